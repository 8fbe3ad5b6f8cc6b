/** Icons, 16 x 16, drawn with the current colour. */

/** @type {Record<string, string>} */
const PATHS = {
  select: '<path d="M3.5 2.2l8.6 5.4-4 .9-2.3 3.6z" fill="currentColor" fill-opacity=".18"/>',
  brush: '<path d="M13.2 2.8c-2.2.6-5.2 3.2-6.6 5.4l1.6 1.5c2.200-1.400 4.700-4.600 5-6.900z"/><path d="M6.300 8.600c-2.300.1-2.100 2.600-3.900 3.300 1.900 1.400 5.200.9 5.400-1.800"/>',
  eraser: '<path d="M9.300 2.800l3.900 3.900-6 6H4.600L2.800 10.900z"/><path d="M6.100 6l3.900 3.900M4.600 12.700h8.900"/>',
  fill: '<path d="M7.200 2.300l5.300 5.300-4.800 4.600a1.300 1.300 0 0 1-1.800 0L3 9.400a1.300 1.300 0 0 1 0-1.900z"/><path d="M3 8.400h9M13.600 10.200c.6 1 .9 1.500.9 2.100a.95.95 0 0 1-1.900 0c0-.6.400-1.100 1-2.100z"/>',
  agent: '<path d="M2.500 10.500V8.300l1.600-.5 1.500-2.900h5l2 2.900 1.100.6v2.100z"/><circle cx="5" cy="10.800" r="1.300" fill="#15191f"/><circle cx="11" cy="10.800" r="1.300" fill="#15191f"/>',
  waypoint: '<path d="M3 12.500c4 0 1.500-8 6-8h1.500"/><path d="M12.300 4.500l-2.300-2.200v4.400z" fill="currentColor"/><circle cx="3" cy="12.500" r="1.200" fill="currentColor"/>',
  person: '<circle cx="8" cy="3.600" r="1.700"/><path d="M8 5.800v4M8 6.800l-2.800 1.700M8 6.800l2.800 1.700M8 9.800l-2 4M8 9.800l2 4"/>',
  bike: '<circle cx="4" cy="10.800" r="2.500"/><circle cx="12" cy="10.800" r="2.500"/><path d="M4 10.800l2.300-4.500h4L12 10.800M6.300 6.300L8.200 10.800M5.300 5h2M10.300 6.300l-.6-2h1.700"/>',
  truck: '<rect x="1.800" y="4" width="7.700" height="6.500" rx=".8"/><path d="M9.500 6.300h2.700l2 2.200v2H9.500"/><circle cx="4.800" cy="11" r="1.300" fill="#15191f"/><circle cx="11.600" cy="11" r="1.300" fill="#15191f"/>',
  cone: '<path d="M6.800 2.500h2.400l2.600 10H4.200zM2.500 12.500h11M5.900 6.500h4.200M5.100 9.500h5.800"/>',
  camera: '<rect x="2" y="4.800" width="8" height="6.600" rx="1.2"/><path d="M10 7.200l4-2v5.800l-4-2"/>',
  area: '<path d="M3 5.200l5.500-2.700 5 4.300-2.600 6-6.600-.9z" fill="currentColor" fill-opacity=".15"/>',
  line: '<path d="M2.800 12.200l3.800-6 3.600 3.200 3-6"/><circle cx="6.600" cy="6.200" r="1.100" fill="currentColor"/><circle cx="10.200" cy="9.400" r="1.100" fill="currentColor"/>',
  region: '<path d="M2.500 5.500v-3h3M10.500 2.500h3v3M13.500 10.500v3h-3M5.500 13.500h-3v-3" /><path d="M8 4.800l.9 2.300 2.300.9-2.300.9L8 11.200l-.9-2.300L4.800 8l2.300-.9z" fill="currentColor" fill-opacity=".3"/>',
  keep: '<path d="M3 8.500l3.300 3.300L13 4.800"/>',
  onward: '<path d="M2.500 8h9M8.500 4.500L12 8l-3.500 3.500M14 3.500v9"/>',
  pan: '<path d="M8 2v12M2 8h12M8 2L6.400 3.600M8 2l1.600 1.600M8 14l-1.600-1.600M8 14l1.600-1.600M2 8l1.600-1.600M2 8l1.600 1.600M14 8l-1.600-1.600M14 8l-1.600 1.600"/>',
  eye: '<path d="M1.800 8s2.300-4 6.200-4 6.200 4 6.200 4-2.300 4-6.200 4-6.200-4-6.200-4z"/><circle cx="8" cy="8" r="1.800"/>',
  eyeOff: '<path d="M2.500 6.200C3.900 8 5.700 9.300 8 9.300s4.100-1.300 5.500-3.100M4.200 8.300L3 10M8 9.400v2M11.800 8.300L13 10"/>',
  lock: '<rect x="3.800" y="7.200" width="8.400" height="6" rx="1.2"/><path d="M5.500 7.200V5.300a2.500 2.500 0 0 1 5 0v1.900"/>',
  unlock: '<rect x="3.800" y="7.200" width="8.400" height="6" rx="1.2"/><path d="M5.500 7.200V4.800a2.500 2.500 0 0 1 4.700-1.200"/>',
  undo: '<path d="M3 6.500h6.300a3.200 3.200 0 1 1 0 6.400H6.500M3 6.500l2.900-2.900M3 6.500l2.900 2.900"/>',
  redo: '<path d="M13 6.500H6.700a3.200 3.200 0 1 0 0 6.400h2.800M13 6.500l-2.900-2.900M13 6.500l-2.900 2.900"/>',
  play: '<path d="M5 3.200l7.500 4.800L5 12.800z" fill="currentColor"/>',
  pause: '<path d="M5.200 3.500v9M10.800 3.500v9" stroke-width="2.400"/>',
  first: '<path d="M4 3.500v9M12.500 3.500L6 8l6.500 4.500z" fill="currentColor"/>',
  last: '<path d="M12 3.500v9M3.500 3.500L10 8l-6.500 4.500z" fill="currentColor"/>',
  back: '<path d="M10.500 3.500L4.500 8l6 4.500z" fill="currentColor"/>',
  forward: '<path d="M5.500 3.500l6 4.500-6 4.500z" fill="currentColor"/>',
  save: '<path d="M2.800 2.800h8l2.400 2.400v8H2.800zM5 2.800v3.500h5V2.800M5 13.200V9.300h6v3.900"/>',
  open: '<path d="M2 12.800V3.500h4l1.300 1.600h6v1.700M2 12.800l2-6h10.500l-2 6z"/>',
  fresh: '<path d="M4 2.200h5.200L12.300 5.300v8.500H4zM9.200 2.200v3.100h3.100"/>',
  import: '<path d="M8 2v7.500M8 9.500L5.200 6.700M8 9.500l2.800-2.800M2.800 10v3.200h10.400V10"/>',
  help: '<path d="M5.700 6a2.300 2.300 0 1 1 3.500 2c-.8.5-1.200.9-1.200 1.800M8 12v.4"/>',
  warn: '<path d="M8 2.500l6 10.700H2z"/><path d="M8 6.500v3M8 11.200v.3"/>',
  road: '<path d="M5.800 2.500L3 13.500M10.200 2.500L13 13.500M8 3v2M8 7v2M8 11v2"/>',
  crosswalk: '<path d="M2.500 4v8M5.250 4v8M8 4v8M10.750 4v8M13.500 4v8" stroke-width="1.800"/>',
  search: '<circle cx="7" cy="7" r="4.200"/><path d="M10.200 10.200l3.300 3.300"/>',
  export: '<path d="M8 9.500V2M8 2L5.200 4.800M8 2l2.800 2.800M2.800 10v3.200h10.400V10"/>',
  dice: '<rect x="2.800" y="2.800" width="10.400" height="10.400" rx="2"/><g fill="currentColor" stroke="none"><circle cx="5.600" cy="5.600" r="1"/><circle cx="10.400" cy="5.600" r="1"/><circle cx="8" cy="8" r="1"/><circle cx="5.600" cy="10.400" r="1"/><circle cx="10.400" cy="10.400" r="1"/></g>',
  reuse: '<path d="M12.800 6.500A5 5 0 0 0 3.700 5.500M3.200 9.500a5 5 0 0 0 9.100 1M3.700 2.500v3h3M12.300 13.500v-3h-3"/>',
  close: '<path d="M4 4l8 8M12 4l-8 8"/>',
  trash: '<path d="M3 4.500h10M6.300 4.500V3h3.400v1.500M4.200 4.500l.6 8.700h6.400l.6-8.700M6.700 7v3.800M9.300 7v3.800"/>',
  copy: '<rect x="5.500" y="5.500" width="7.700" height="7.700" rx="1.200"/><path d="M3.500 10.300h-.7V2.800h7.500v.7"/>',
  fit: '<path d="M2.500 6V2.500H6M10 2.500h3.500V6M13.500 10v3.500H10M6 13.500H2.500V10"/>',
  layers: '<path d="M8 2.200l6 3.200-6 3.200-6-3.200zM2 8.200l6 3.200 6-3.200M2 10.900l6 3.200 6-3.200"/>',
  plus: '<path d="M8 3v10M3 8h10"/>',
  minus: '<path d="M3 8h10"/>',
  key: '<path d="M8 2.500L13.500 8 8 13.500 2.500 8z"/>',
  grow: '<path d="M9.500 2.500h4v4M6.500 13.500h-4v-4M13.500 2.500L9 7M2.500 13.500L7 9"/>',
  home: '<path d="M2.500 8L8 3l5.500 5M4.300 7v6h7.400V7M6.800 13V9.800h2.400V13"/>',
  follow: '<path d="M8 2.200v2.300M8 11.500v2.300M2.200 8h2.300M11.500 8h2.300"/><circle cx="8" cy="8" r="3.500"/><circle cx="8" cy="8" r=".9" fill="currentColor"/>',
  cut: '<path d="M2.500 6.500h11" stroke-dasharray="2 1.600"/><path d="M4 13.500V9h8v4.500zM8 1.800v2.400"/>',
  cube: '<path d="M8 1.900l5.400 3v6.200L8 14.100l-5.400-3V4.900zM2.600 4.900L8 8l5.400-3.100M8 8v6.100"/>',
  flip: '<path d="M4 5.500h7.500M11.500 5.500L9 3M11.500 5.500L9 8M12 10.500H4.500M4.500 10.500L7 8M4.500 10.500L7 13"/>',
  chevron: '<path d="M4.500 6.300L8 9.800l3.500-3.500"/>',
  text: '<path d="M3.500 4.500v-1h9v1M8 3.500v9M6.300 12.500h3.400"/>',
  occupancy: '<path d="M2.500 6.500h4v-4h3v7h4v4h-11z"/>',
  logo: '<path d="M8 1.500l5.800 3.300v6.400L8 14.500l-5.800-3.300V4.800z" fill="currentColor" fill-opacity=".18"/><path d="M5 10.800L8 4.600l3 6.200M6.200 8.500h3.600"/>',
};

/** @param {string} name @param {number} [size] */
export function icon(name, size = 16) {
  const box = document.createElement("span");
  box.className = "icon";
  box.setAttribute("aria-hidden", "true");
  box.innerHTML = `<svg width="${size}" height="${size}" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.3" stroke-linecap="round" stroke-linejoin="round">${PATHS[name] ?? ""}</svg>`;
  return box;
}
