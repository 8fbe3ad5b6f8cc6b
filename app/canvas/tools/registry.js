/** Every tool, in the order of the rail. */

import { agentTool, waypointTool } from "./agent.js";
import { cameraTool } from "./camera.js";
import { brushTool, eraserTool, fillTool } from "./paint.js";
import { regionTool } from "./region.js";
import { selectTool } from "./select.js";
import { areaTool, lineTool } from "./shapes.js";
import { closureTool, crosswalkTool, roadTool } from "./stamps.js";
import { voxelTool } from "./voxels.js";

/** @type {Tool} */
const panTool = { name: "pan", label: "Pan", key: "H", icon: "pan", hint: "Drag moves the view · wheel zooms at the cursor · Space or the middle button pans in every tool", cursor: () => "grab" };

/** @type {Record<ToolName, Tool>} */
export const TOOLS = { select: selectTool, brush: brushTool, eraser: eraserTool, fill: fillTool, area: areaTool, line: lineTool, agent: agentTool, waypoint: waypointTool, camera: cameraTool, region: regionTool, road: roadTool, crosswalk: crosswalkTool, closure: closureTool, voxels: voxelTool, pan: panTool };

/** Groups of the rail, a rule between them. @type {ToolName[][]} */
export const RAIL = [["select", "pan"], ["brush", "eraser", "fill", "area", "line"], ["road", "crosswalk", "closure"], ["agent", "waypoint"], ["camera"], ["region", "voxels"]];
