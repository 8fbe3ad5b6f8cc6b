// Every piece of text on the page that can be read: how large it is and how it stands out. Run in the live page by test_browser_legible.py.
() => {
  const parse = (text) => {
    const found = text.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    return [...found.slice(0, 3), found[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  /** What is behind an element: its own colour and those of what it lies in, over white where it lies on a picture. */
  const backdrop = (element) => {
    const layers = [];
    for (let at = element; at instanceof Element; at = at.parentElement) {
      const style = getComputedStyle(at);
      layers.push(parse(style.backgroundColor));
      const shade = style.backgroundImage.match(/rgba?\([^)]*\)/g);
      // The caption of a picture is read where its shade has reached its full depth.
      if (shade && at.matches("figcaption")) layers.push(parse(shade.at(-1)));
      if (layers.at(-1)[3] === 1) break;
      if (at.matches(".shot")) break;
    }
    const onPicture = element.closest(".shot") && !layers.some((one) => one[3] === 1);
    return layers.reverse().reduce((below, top) => over(top, below), onPicture ? [255, 255, 255] : [13, 16, 20]);
  };
  const seen = (element) => {
    let opacity = 1;
    for (let at = element; at instanceof Element; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    return opacity;
  };
  const rows = [];
  const look = (element, text) => {
    if (!text.trim() || element.closest(":disabled, [hidden], option") || element.closest(".btn[disabled]")) return;
    if (!element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) || !element.getClientRects().length) return;
    const style = getComputedStyle(element), behind = backdrop(element), colour = parse(style.color);
    colour[3] *= seen(element);
    rows.push({ text: text.trim().slice(0, 40), where: element.className || element.tagName, px: parseFloat(style.fontSize), contrast: contrast(over(colour, behind), behind) });
  };
  for (const root of document.querySelectorAll(".studio, gradio-app")) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) look(walker.currentNode.parentElement, walker.currentNode.data);
    for (const field of root.querySelectorAll("input:not([type=checkbox], [type=radio], [type=range], [type=color]), select, textarea")) look(field, field.value ?? "");
  }
  return rows;
}
