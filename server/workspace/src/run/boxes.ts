// Boxes over a picture, as the file beside it tells of them. Pure.

import type { Tree } from "../wire";
import { number } from "../words";
import { isFields } from "./media";

/** In shares of the picture's width and height. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
  id: string;
  label: string;
  /** Caption and scores. */
  detail: string;
}

export interface Boxes {
  boxes: Box[];
  labels: Record<string, string>;
}

export function boxesOf(tree: Tree, width: number, height: number): Boxes {
  if (!isFields(tree) || !Array.isArray(tree["box_data"])) return { boxes: [], labels: {} };
  const labels = labelsOf(tree["class_labels"]);
  const boxes = tree["box_data"].flatMap((told): Box[] => {
    if (!isFields(told) || !isFields(told["position"])) return [];
    const place = placeOf(told["position"]);
    const [across, down] = told["domain"] === "pixel" ? [width, height] : [1, 1];
    if (!place || !(across > 0) || !(down > 0)) return [];
    const id = String(told["class_id"] ?? "");
    const scores = isFields(told["scores"]) ? Object.entries(told["scores"]).flatMap(([name, score]) => (typeof score === "number" ? [`${name} ${number(score)}`] : [])) : [];
    const caption = typeof told["box_caption"] === "string" ? [told["box_caption"]] : [];
    return [
      {
        left: place[0] / across,
        top: place[1] / down,
        width: place[2] / across,
        height: place[3] / down,
        id,
        label: labels[id] ?? (id ? `class ${id}` : "box"),
        detail: [...caption, ...scores].join(", "),
      },
    ];
  });
  return { boxes, labels };
}

/** Left, top, width and height, given by corners or by the middle. */
function placeOf(position: Record<string, Tree>): [number, number, number, number] | undefined {
  const [left, right, top, bottom] = ["minX", "maxX", "minY", "maxY"].map((name) => Number(position[name] ?? NaN)) as [number, number, number, number];
  if ([left, right, top, bottom].every(Number.isFinite)) return [left, top, right - left, bottom - top];
  const [x, y] = Array.isArray(position["middle"]) ? position["middle"].map(Number) : [];
  const [width, height] = [Number(position["width"] ?? NaN), Number(position["height"] ?? NaN)];
  return x !== undefined && y !== undefined && [x, y, width, height].every(Number.isFinite) ? [x - width / 2, y - height / 2, width, height] : undefined;
}

export function labelsOf(tree: Tree | undefined): Record<string, string> {
  return isFields(tree) ? Object.fromEntries(Object.entries(tree).map(([id, name]) => [id, String(name)])) : {};
}
