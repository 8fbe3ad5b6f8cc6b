"""Prompts become light and weather; what was not understood is told."""

import numpy as np
import pytest

from engine.views.drawn.light import EXPOSURE, LAMPS_ON, light_of
from engine.views.look import WORDS, Look, parts, prompt_of, read_prompt, stages, words_at


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_word_is_understood_and_gives_light_that_can_be_used(word):
    look, unknown = read_prompt(word, 3)
    assert unknown == ()
    assert 0 <= look.sun <= 1 and 0 <= look.night <= 1 and 0 < look.fog_per_m <= 0.08 and 0 <= look.cloud <= 1


def test_unknown_words_are_told_once_in_their_order():
    look, unknown = read_prompt("Rainy night in Neo-Tokyo with neon, neon signs", 0)
    assert unknown == ("neo", "tokyo", "neon", "signs")
    assert look.rain > 0.5 and look.night == 1.0 and look.sun == 0.0


def test_night_stays_night_whatever_else_is_said():
    for prompt in ("night, clear sky", "clear night", "sunny night", "night with clouds"):
        assert read_prompt(prompt, 0)[0].sun == 0.0, prompt


def test_heavy_and_light_scale_the_weather_that_follows():
    rain = [read_prompt(prompt, 0)[0].rain for prompt in ("light rain", "rain", "heavy rain")]
    fog = [read_prompt(prompt, 0)[0].fog_per_m for prompt in ("light fog", "fog", "dense fog")]
    assert rain == sorted(rain) and fog == sorted(fog) and len({*rain}) == len({*fog}) == 3


def test_sky_and_light_are_finite_and_darker_at_night():
    means = {}
    for prompt in ("clear day", "overcast", "dusk", "night"):
        light = light_of(read_prompt(prompt, 1)[0])
        assert np.isfinite(light.sky).all() and (light.sky >= 0).all()
        means[prompt] = float(light.ambient[0].mean() * light.numbers[EXPOSURE])
    assert means["night"] < 0.8 * means["dusk"] and means["dusk"] < means["overcast"]
    assert light_of(Look()).numbers[LAMPS_ON] == 0.0 and light_of(Look(night=1.0, sun=0.0)).numbers[LAMPS_ON] == 1.0


def test_the_seed_turns_the_sun_and_nothing_else_of_the_day():
    a, b = read_prompt("clear", 1)[0], read_prompt("clear", 2)[0]
    assert a.sun_azimuth_rad != b.sun_azimuth_rad and a.sun_elevation_rad == b.sun_elevation_rad
    assert read_prompt("clear", 1) == read_prompt("clear", 1)


def test_a_prompt_may_say_more_than_one_time() -> None:
    prompt = "clear noon, at 3 s dusk, AT 6.5s rain"
    assert stages(prompt) == [(0.0, "clear noon"), (3.0, "dusk"), (6.5, "rain")] and stages("") == [(0.0, "")]
    assert stages("at 2 s fog at 0 s noon") == [(0.0, "noon"), (2.0, "fog")] and stages("at 2 s fog")[0] == (0.0, "")
    assert stages("a look at 3 cars") == [(0.0, "a look at 3 cars")], "no time is named"
    for time_s, words in ((0, "clear noon"), (3, "dusk"), (6.5, "rain"), (90, "rain")):
        assert read_prompt(prompt, 5, time_s)[0] == read_prompt(words, 5)[0]
    between, dusk, rain = read_prompt(prompt, 5, 4.75)[0], read_prompt("dusk", 5)[0], read_prompt("rain", 5)[0]
    assert between.rain == pytest.approx(rain.rain / 2) and between.night == pytest.approx(dusk.night / 2) and between.seed == 5
    assert read_prompt("noon zebra, at 3 s dusk unicorn zebra", 0)[1] == ("zebra", "unicorn")
    assert [words_at(prompt, time_s) for time_s in (0, 1.4, 1.6, 4.8, 99)] == ["clear noon", "clear noon", "dusk", "rain", "rain"]


def test_a_prompt_may_speak_to_single_cameras():
    prompt = "clear noon, at 3 s dusk | rear: dense fog zebra| left : , at 2 s night"
    assert parts(prompt) == ("clear noon, at 3 s dusk", {"rear": "dense fog zebra", "left": ", at 2 s night"}) and parts("noon") == ("noon", {})
    assert prompt_of(prompt, "rear") == "dense fog zebra" and prompt_of(prompt, "front") == "clear noon, at 3 s dusk" == prompt_of(prompt, "front")
    assert read_prompt(prompt, 4, 1.0)[0] == read_prompt("clear noon, at 3 s dusk", 4, 1.0)[0] and read_prompt(prompt, 4)[1] == ("zebra",)
    assert words_at(prompt, 2.9) == "dusk" and stages(prompt_of(prompt, "left"))[-1] == (2.0, "night")
