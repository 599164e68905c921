// What a value of a row shows: which files it names, and how a browser can show each. Pure.

import type { Tree } from "../wire";

type Fields = Record<string, Tree>;

export type Kind = "picture" | "sound" | "film" | "page" | "table" | "figure" | "points" | "graph" | "other";

/** A layer of a picture that stands in a file of its own. */
export interface Layer {
  name: string;
  path: string;
}

export interface Item {
  kind: Kind;
  path: string;
  caption: string;
  /** Bytes, where they are told. */
  size: number;
  masks: Layer[];
  boxes: Layer[];
  /** For what cannot be shown: why not. */
  why: string;
}

/** By the type of a value, or of each of a list; what stands in no list is known by the name of its file. */
const KINDS: Record<string, Kind> = {
  "image-file": "picture",
  "images/separated": "picture",
  "audio-file": "sound",
  audio: "sound",
  "video-file": "film",
  videos: "film",
  "html-file": "page",
  html: "page",
  "table-file": "table",
  "incremental-table-file": "table",
  "plotly-file": "figure",
  "object3D-file": "points",
  object3D: "points",
  "graph-file": "graph",
};

const WHY: Record<string, string> = {
  "molecule-file": "A molecule: a program for molecules opens it.",
  molecule: "A molecule: a program for molecules opens it.",
  "bokeh-file": "A Bokeh document: its own scripts draw it.",
  "partitioned-table": "A table put together of other files.",
  "joined-table": "A table put together of other tables.",
};

const LISTS = ["audio", "html", "videos", "objects"];

export function itemsOf(value: Fields): Item[] {
  const type = typeof value["_type"] === "string" ? value["_type"] : "";
  const captions = texts(value["captions"]);
  const list = LISTS.map((name) => value[name]).find(Array.isArray);
  if (list) return list.flatMap((each, at) => (isFields(each) ? itemOf(type, each, captions[at]) : []));
  if (Array.isArray(value["filenames"])) {
    const [masks, boxes] = [value["all_masks"], value["all_boxes"]].map((each) => (Array.isArray(each) ? each : []));
    return texts(value["filenames"]).flatMap((path, at) =>
      itemOf(type, { path: type === "object3D" ? `media/object3D/${path}` : path, masks: masks?.[at] ?? null, boxes: boxes?.[at] ?? null }, captions[at]),
    );
  }
  return itemOf(type, value);
}

function itemOf(type: string, value: Fields, caption?: string): Item[] {
  const path = value["path"];
  if (typeof path !== "string" || !path) return [];
  const kind = shownAs(KINDS[type] ?? "other", path);
  return [
    {
      kind,
      path,
      caption: caption ?? (typeof value["caption"] === "string" ? value["caption"] : ""),
      size: typeof value["size"] === "number" ? value["size"] : 0,
      masks: layersOf(value["masks"]),
      boxes: layersOf(value["boxes"]),
      why: kind === "other" ? (WHY[type] ?? (KINDS[type] === "points" ? "A mesh: a program for models opens it." : "No view for this kind of file.")) : "",
    },
  ];
}

/** What a browser can show of a file that is meant as this. */
function shownAs(kind: Kind, path: string): Kind {
  const ending = path.toLowerCase().split(".").at(-1) ?? "";
  if (kind === "picture" || kind === "film") return isPicture(path) ? "picture" : ["mp4", "webm", "ogg", "ogv", "mov", "m4v"].includes(ending) ? "film" : "other";
  if (kind === "points") return path.endsWith(".pts.json") ? "points" : "other";
  return kind;
}

export function isPicture(path: string): boolean {
  return /\.(png|jpe?g|gif|webp|bmp|avif|svg)$/i.test(path);
}

function layersOf(tree: Tree | undefined): Layer[] {
  if (!isFields(tree)) return [];
  return Object.entries(tree).flatMap(([name, each]) => (isFields(each) && typeof each["path"] === "string" ? [{ name, path: each["path"] }] : []));
}

export function isFields(tree: Tree | undefined): tree is Fields {
  return typeof tree === "object" && tree !== null && !Array.isArray(tree);
}

export function texts(tree: Tree | undefined): string[] {
  return Array.isArray(tree) ? tree.map((each) => (typeof each === "string" ? each : "")) : [];
}
