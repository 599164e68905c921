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
  "partitioned-table": "A table put together of other files. They are in the artifact that the run logged with it.",
  "joined-table": "A table put together of two others. They are in the artifact that the run logged with it.",
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

/** Why nothing is shown of a value that names no file. */
export function whyOf(type: string): string {
  return WHY[type] ?? "";
}

export interface Bar {
  /** Of the highest one. */
  height: number;
  label: string;
}

const MOST_BARS = 64;

/** The bars of a histogram, equally wide: bins that are not, as TensorBoard has them, and those that are too many, are laid over such. */
export function barsOf(value: Fields): Bar[] {
  const counts = Array.isArray(value["values"]) ? value["values"].map((each) => Number(each) || 0) : [];
  const packed = value["packedBins"];
  const told = Array.isArray(value["bins"]) ? value["bins"].map(Number) : [];
  const edges = isFields(packed) ? counts.map((_, place) => Number(packed["min"]) + place * Number(packed["size"])) : told.slice(0, counts.length);
  if (isFields(packed)) edges.push(Number(packed["min"]) + counts.length * Number(packed["size"]));
  else if (told.length > counts.length) edges.push(told[counts.length] ?? NaN);
  const [first = NaN, last = NaN] = [edges[0], edges.at(-1)];
  const width = (last - first) / counts.length;
  const isUsable = edges.length === counts.length + 1 && width > 0 && edges.every((edge, place) => Number.isFinite(edge) && edge >= (edges[place - 1] ?? edge));
  const areEqual = edges.every((edge, place) => Math.abs(edge - first - place * width) <= width * 0.01);
  const laid = isUsable && (!areEqual || counts.length > MOST_BARS) ? laidOver(counts, edges) : { counts, edges };
  const most = laid.counts.reduce((found, many) => Math.max(found, many), 0) || 1;
  return laid.counts.map((many, place) => ({
    height: many / most,
    label: `${laid.edges[place]?.toPrecision(4)} to ${laid.edges[place + 1]?.toPrecision(4)}: ${Number(many.toPrecision(6))}`,
  }));
}

/** The same counts over bins of equal width, each bin's spread evenly over it. */
function laidOver(counts: number[], edges: number[]): { counts: number[]; edges: number[] } {
  const many = Math.min(MOST_BARS, counts.length);
  const [first = 0, last = 0] = [edges[0], edges.at(-1)];
  const width = (last - first) / many;
  const sums = new Array<number>(many).fill(0);
  counts.forEach((count, place) => {
    const [low = first, high = first] = [edges[place], edges[place + 1]];
    const [from, to] = [low, high].map((edge) => Math.min(many - 1, Math.max(0, Math.floor((edge - first) / width))));
    for (let bar = from ?? 0; bar <= (to ?? 0); bar++) {
      const overlap = Math.min(high, first + (bar + 1) * width) - Math.max(low, first + bar * width);
      sums[bar] = (sums[bar] ?? 0) + (high > low ? (count * Math.max(0, overlap)) / (high - low) : bar === from ? count : 0);
    }
  });
  return { counts: sums, edges: Array.from({ length: many + 1 }, (_, place) => first + place * width) };
}
