"""How good a take is. Every number here can be had without downloaded weights; each file says what its number means and where it is from.

`report.evaluate` measures takes, `procedural.evaluate_procedural` measures an engine on worlds that no training run has seen, and
`page.render_page` shows either to a person.
"""
