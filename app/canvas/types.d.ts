// The nouns of the page. Ambient, so that every module's JSDoc can name them. Metres, seconds, radians; world frame unless a name says other.

type Point = [number, number];
/** x0, y0, x1, y1. */
type Box = [number, number, number, number];
/** x, y, z, yaw, pitch, roll. */
type Pose = [number, number, number, number, number, number];
/** time_s, then a Pose. */
type TrackKey = [number, number, number, number, number, number, number];

interface AreaEntity { kind: "area"; id: string; channel: string; exterior_m: Point[]; holes_m: Point[][]; source: string; name: string }
interface LineEntity { kind: "line"; id: string; channel: string; points_m: Point[]; width_m: number; source: string; name: string }
interface AgentEntity {
  kind: "agent"; id: string; instance_id: number; class_name: string; size_m: [number, number, number]; keyframes: TrackKey[];
  appears_s: number | null; disappears_s: number | null; source: string; name: string;
  /** #rrggbb, and one of the class's models; absent: from the seed. */
  colour?: string; model?: string;
  /** Numbers of the closed lane that it is a cone of. */
  closure?: { number: number; side: "left" | "right"; length_m: number; lane_width_m: number; spacing_m: number; taper_m: number; station_m: number };
}
interface EgoEntity { kind: "ego"; id: "ego"; keyframes: TrackKey[]; source: string }
interface CameraModel { name: string; width: number; height: number; fx: number; fy: number; cx: number; cy: number; ego_SE3_camera: Pose; fisheye: number[] | null }
interface CameraEntity { kind: "camera"; id: string; camera: CameraModel; mount: "ego" | "world" | "path"; keyframes: TrackKey[]; enabled: boolean; source: string }
/** Tiles are base64 of packed bits, 64 x 64 cells of 0.2 m, indexed [x, y]. */
interface PaintEntity { kind: "paint"; id: string; channel: string; erases: boolean; span: [number, number] | null; tiles: Record<string, string> }
interface OccupancyEditEntity {
  kind: "occupancy_edit"; id: string; edit?: string; edit_kind?: string; span: [number, number] | null; class_name: string; instance_id: number;
  box_pose: Pose; box_size_m: [number, number, number]; /** Instance id of the agent that it goes with. */ follows?: number;
}
type Entity = AreaEntity | LineEntity | AgentEntity | EgoEntity | CameraEntity | PaintEntity | OccupancyEditEntity;
type Tracked = AgentEntity | EgoEntity;

interface Channel { name: string; rgb: [number, number, number]; key: string }
interface GridInfo { name: string; shape: [number, number, number]; voxel_m: number; origin_m: [number, number, number] }

interface SceneState {
  rev: number; name: string; duration_s: number; frames: number; grid: string | GridInfo; prompt: string; notes: string[];
  entities: Map<string, Entity>; ego: EgoEntity; dirty: boolean; saved_path: string | null; can_undo: string | null; can_redo: string | null;
  /** Counts the documents there were. */ edits: number; undo_steps: number; undo_limit: number; undo_at_depth: boolean;
  channels: Channel[]; classes: Array<{ name: string; rgb: [number, number, number] }>; sizes: Record<string, [number, number, number]>; models: Record<string, string[]>; coloured: string[]; presets: Array<{ name: string; views: string }>; preset?: string; view_models: Array<{ name: string; description: string; takes_anchors: boolean }>; rigs: string[]; viser_url: string; workspace: string; commands: CommandSpec[]; exports: Array<{ name: string; title: string }>;
}

interface JobState {
  id: string; state: "queued" | "loading" | "running" | "done" | "failed" | "cancelled"; stage: string; frames_done: number; frames_total: number;
  seconds: number; message: string; /** Why the engine lets it wait; empty where it does not. */ engine: string; notes?: string[]; take: string | null; recipe?: { seed?: number; start_frame?: number; frames?: number };
  frames_kept?: number; eta_s?: number | null; starts_in_s?: number | null; position?: number | null; kind: "take" | "evaluate" | "export"; name: string; item: string;
  /** When it was told, by this page's clock in ms. */ at: number;
}
/** Seconds a frame by occupancy model, seconds a picture by view model. */
interface Pace { frame_s: Record<string, number>; picture_s: Record<string, number> }
interface TakeInfo { id: string; name: string; path: string; frames: number; start_frame: number; stage: string; stale: boolean; /** Frames that it was to have, 0 where it is whole or in the making. */ broken_off: number; seed?: number; occupancy: string; views: string; /** Cameras that it has pictures of. */ filmed: string[] }
/** The newest take, and behind it longer ones. */
interface TakeState extends TakeInfo { behind: TakeInfo[] }
interface StripCamera { name: string; semantic: string | null; depth: string | null; picture: string | null; picture_stale?: boolean; recorded?: string | null; views?: string | null; take?: string | null }
interface StripState {
  frame: number; source: "take" | "draft" | "lift"; whole: boolean; edits: number; stale: boolean; pending: boolean;
  take: { name: string; occupancy: string; views: string; seed: number } | null;
  recipe?: { occupancy: string; seed: number; steps: number | null } | null; cameras: StripCamera[] }
interface BevState { frame: number; url: string; edits: number; stale: boolean; pending: boolean; size_m: [number, number]; ego: [number, number, number] }
interface VariantState {
  frame: number; region: Point[]; count: number; index: number; seed: number | null; whole: boolean; drawing: boolean; can_keep: boolean; shown: boolean;
}
interface FileEntry { path: string; name: string; modified?: string | number; title?: string; about?: string; picture?: string }
interface RecoveryEntry { path: string; name: string; modified: number; crashed: boolean; lost: string; picture?: string; takes?: number }
interface FileLists { projects: FileEntry[]; recovery: RecoveryEntry[]; templates: FileEntry[]; takes: FileEntry[]; formats: Array<{ name: string; title: string; source: string; scenes?: boolean }> }
/** What looks wrong in the scene; nothing of it blocks anything. */
interface Problem { sentence: string; ids: string[]; time_s: number | null }
/** What became of an export. */
interface Exported { take: string; folder: string; rows: Array<{ format: string; files: number; url: string; dropped: string[]; error: string | null }>; writing: string | null; verified: string | null }
interface Notice { id: number; level: "info" | "warn" | "error"; text: string }

interface Stroke { channel: string; erases: boolean; radius_m: number; points: Point[]; span: [number, number] | null; seq: number | null }
type ToolName = "select" | "brush" | "eraser" | "fill" | "agent" | "waypoint" | "camera" | "area" | "line" | "pan" | "region" | "road" | "crosswalk" | "closure" | "voxels";

/** A pointer event on the canvas, in both frames. */
interface CanvasPointer { px: Point; world: Point; shift: boolean; ctrl: boolean; alt: boolean; coalesced: Point[] }
interface Tool {
  name: ToolName; label: string; key: string; icon: string; hint: string;
  cursor?(app: App): string;
  down?(at: CanvasPointer, app: App): void;
  move?(at: CanvasPointer, app: App): void;
  drag?(at: CanvasPointer, app: App): void;
  up?(at: CanvasPointer, app: App): void;
  double?(at: CanvasPointer, app: App): void;
  /** Esc, or the tool is put away: drop whatever is half made. */
  /** Drop what is half made; true where there was something. */
  cancel?(app: App): boolean;
  /** True where the key was used. */
  key_down?(event: KeyboardEvent, app: App): boolean;
  /** All that a move of the pointer changes on the canvas, in pixels; a tool that cannot tell has everything drawn again. */
  touched?(before: CanvasPointer, at: CanvasPointer, app: App): Box;
  /** Drawn over everything, in pixels. */
  draw?(ctx: CanvasRenderingContext2D, app: App): void;
}
/** One argument of a command, as editor/arguments.py describes it. */
interface ArgSpec { name: string; kind: string; required: boolean; default: boolean | number | string | null; unit: string; choices: string[]; fill: string; about: string }
/** One command of the document, as editor/commands.py describes it. */
interface CommandSpec { name: string; title: string; group: string; keys: string[]; asks: boolean; of_take: boolean; needs: { count: string; kinds: string[]; sentence: string } | null; args: ArgSpec[] }
/** A row of the table that menus, palette, keys and their sheet are made of. */
interface PageCommand {
  id: string; title: string; group: string; keys: string[]; icon?: string; spec?: CommandSpec;
  /** Whether it is meant only while something is held by the Select tool, or only while nothing is. */ when?: "holding" | "free";
  /** Whether a key held down does it again and again. */ repeats?: boolean;
  run: (app: App, typed?: Record<string, any>) => void;
  /** The sentence that says why it cannot be run now, or null. */ why?: (app: App) => string | null;
}
type App = import("./app.js").App;
