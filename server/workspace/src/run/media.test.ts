import { expect, test } from "vitest";
import type { Tree } from "../wire";
import { boxesOf } from "./boxes";
import { type Figure, binned, figureOfChart, figureOfPlotly } from "./figures";
import { drawFigure } from "./drawing";
import { barsOf, itemsOf, whyOf } from "./media";
import { cloudOf, seen } from "./points";
import { hasMedia, heldAt, sorted, tableOf, words } from "./tables";

const THEME = { isDark: false, ink: "#000", soft: "#555", edge: "#ddd", paper: "#fff" };

test("each type of value names its files, alone and in lists", () => {
  const kinds = (value: Parameters<typeof itemsOf>[0]) => itemsOf(value).map((item) => [item.kind, item.path, item.caption]);
  expect(kinds({ _type: "image-file", path: "media/images/a.png", caption: "one" })).toEqual([["picture", "media/images/a.png", "one"]]);
  expect(kinds({ _type: "images/separated", filenames: ["a.png", "b.jpg"], captions: ["x", "y"] })).toEqual([["picture", "a.png", "x"], ["picture", "b.jpg", "y"]]);
  expect(kinds({ _type: "audio", audio: [{ path: "a.wav", caption: "t" }, { path: "b.wav" }] })).toEqual([["sound", "a.wav", "t"], ["sound", "b.wav", ""]]);
  expect(kinds({ _type: "video-file", path: "a.gif" })).toEqual([["picture", "a.gif", ""]]);
  expect(kinds({ _type: "videos", videos: [{ path: "a.mp4" }, { path: "b.avi" }], captions: ["", "b"] })).toEqual([["film", "a.mp4", ""], ["other", "b.avi", "b"]]);
  expect(kinds({ _type: "object3D", filenames: ["x_1.pts.json"], objects: [{ path: "media/object3D/x_1.pts.json" }] })).toEqual([["points", "media/object3D/x_1.pts.json", ""]]);
  expect(itemsOf({ _type: "object3D-file", path: "a.obj" })[0]).toMatchObject({ kind: "other", why: "A mesh: a program for models opens it." });
  expect(itemsOf({ _type: "molecule", filenames: ["m.pdb"], captions: [] })[0]).toMatchObject({ kind: "other", path: "m.pdb" });
  expect(itemsOf({ _type: "histogram", values: [1] })).toEqual([]);
  expect(itemsOf({ _type: "image-file", path: 7 })).toEqual([]);
});

test("pictures come with their layers", () => {
  const masks = { p: { _type: "mask", path: "m.png" }, broken: null };
  expect(itemsOf({ _type: "image-file", path: "a.png", masks, boxes: { b: { path: "b.json" } } })[0]).toMatchObject({ masks: [{ name: "p", path: "m.png" }], boxes: [{ name: "b", path: "b.json" }] });
  expect(itemsOf({ _type: "images/separated", filenames: ["a.png", "b.png"], all_masks: [null, masks] }).map((item) => item.masks.length)).toEqual([0, 1]);
});

test("boxes are shares of the picture, however they are given", () => {
  const told: Tree = {
    box_data: [
      { position: { minX: 0.1, maxX: 0.4, minY: 0.25, maxY: 0.5 }, class_id: 1, box_caption: "a cat", scores: { sure: 0.9 } },
      { position: { middle: [50, 30], width: 20, height: 20 }, domain: "pixel", class_id: 2 },
      { position: { middle: "no" }, class_id: 2 },
    ],
    class_labels: { "1": "cat" },
  };
  const { boxes, labels } = boxesOf(told, 100, 60);
  expect(labels).toEqual({ "1": "cat" });
  expect(boxes).toHaveLength(2);
  expect(boxes[0]).toMatchObject({ left: 0.1, top: 0.25, height: 0.25, label: "cat", detail: "a cat, sure 0.9" });
  expect(boxes[1]).toMatchObject({ left: 0.4, width: 0.2, label: "class 2" });
  expect(boxes[1]?.top).toBeCloseTo(1 / 3);
});

test("a table is read, sorted, and put in words", () => {
  expect(tableOf('{"columns": ["a", 1], "data": [[1, "x"]]}')).toEqual({ columns: ["a", "1"], rows: [[1, "x"]] });
  expect(tableOf('{"columns": ["a"], "data": [[NaN], [-Infinity]]}')?.rows).toEqual([["NaN"], ["-Infinity"]]);
  expect(tableOf('{"columns": ["a"], "data": [["x, NaN, \\"y"], [NaN]]}')?.rows).toEqual([['x, NaN, "y'], ["NaN"]]);
  expect(tableOf("[]")).toBeUndefined();
  expect(tableOf("{")).toBeUndefined();
  expect(hasMedia({ columns: ["a"], rows: [["Images"], ["Image"]] })).toBe(true);
  expect(hasMedia({ columns: ["a"], rows: [["Images"], [1]] })).toBe(false);
  expect(heldAt("wandb-client-artifact://abc123:latest/t.table.json")).toEqual({ clientId: "abc123", path: "t.table.json" });
  expect(heldAt("wandb-client-artifact://abc123/a/b.json")).toEqual({ clientId: "abc123", path: "a/b.json" });
  expect(heldAt("https://elsewhere.example/abc/b.json")).toBeUndefined();
  const rows = [["b10"], [null], [2], ["b9"], [1]];
  expect(sorted(rows, 0, false)).toEqual([[1], [2], ["b9"], ["b10"], [null]]);
  expect(sorted(rows, 0, true)).toEqual([["b10"], ["b9"], [2], [1], [null]]);
  expect(words({ _type: "image-file", path: "media/images/a.png" })).toBe("image a.png");
  expect(words([1, 2])).toBe("[1,2]");
});

const TABLE = { columns: ["x", "y", "g"], rows: [[0, 1, "a"], [0, 2, "b"], [1, 3, "a"]] };

function chart(kind: string, columns: Record<string, string>, words: Record<string, string> = {}): Figure {
  const figure = figureOfChart({ kind, table: "t", columns, words }, "key", TABLE);
  if (typeof figure === "string") throw new Error(figure);
  return figure;
}

test("custom charts are drawn from their table", () => {
  expect(chart("wandb/line/v0", { x: "x", y: "y", stroke: "g" }, { title: "T" })).toMatchObject({ title: "T", x: "x", y: "y", series: [{ name: "a", as: "line", x: [0, 1], y: [1, 3] }, { name: "b", x: [0], y: [2] }] });
  expect(chart("wandb/scatter/v0", { x: "x", y: "y" }).series[0]).toMatchObject({ as: "dots", x: [0, 0, 1] });
  expect(chart("wandb/bar/v0", { label: "g", value: "y" }).series[0]).toMatchObject({ as: "bars", x: ["a", "b", "a"], y: [1, 2, 3] });
  expect(chart("wandb/histogram/v0", { value: "y" }).series[0]?.y.reduce((all, many) => Number(all) + Number(many), 0)).toBe(3);
  expect(chart("wandb/area-under-curve/v0", { x: "x", y: "y", class: "g" }).series).toHaveLength(2);
  expect(chart("wandb/confusion_matrix/v1", { Actual: "g", Predicted: "x", nPredictions: "y" }).grid).toEqual({ columns: [0, 1], rows: ["a", "b"], cells: [[1, 3], [2, null]], isCounted: true });
  expect(figureOfChart({ kind: "me/own", table: "t", columns: {}, words: {} }, "key", TABLE)).toContain("me/own");
  expect(figureOfChart({ kind: "wandb/line/v0", table: "t", columns: { x: "gone", y: "y" }, words: {} }, "key", TABLE)).toContain("lacks a column");
});

test("figures of Plotly are drawn as far as they can be, and the rest is named", () => {
  const doubles = btoa(String.fromCharCode(...new Uint8Array(new Float64Array([1.5, 2.5]).buffer)));
  const read = (data: object[], layout = {}) => figureOfPlotly(JSON.stringify({ data, layout }));
  expect(read([{ y: { dtype: "f8", bdata: doubles }, name: "packed" }], { title: { text: "<b>T</b>" }, xaxis: { title: "X", type: "log" } })).toMatchObject({ title: "T", x: "X", isLogX: true, series: [{ name: "packed", as: "both", x: [0, 1], y: [1.5, 2.5] }] });
  expect(read([{ type: "bar", x: ["a"], y: [1] }, { type: "pie", name: "p" }])).toMatchObject({ series: [{ as: "bars" }], left: "Not drawn here: pie “p”." });
  expect(read([{ type: "heatmap", z: [[1, null], [3, 4]] }])).toMatchObject({ grid: { columns: [0, 1], rows: [0, 1], cells: [[1, null], [3, 4]] } });
  expect(read([{ type: "heatmap", z: { dtype: "f8", bdata: doubles, shape: "1, 2" } }])).toMatchObject({ grid: { cells: [[1.5, 2.5]] } });
  expect(read([{ type: "surface", z: [[1]] }])).toBe("Figures of this kind are not drawn here (surface).");
  expect(read([])).toBe("This figure holds nothing.");
  for (const broken of ["{", "[]", '{"data": 1}']) expect(figureOfPlotly(broken)).toBe("This figure could not be read.");
});

test("whatever a figure holds, its marks have a place", () => {
  const odd: Figure[] = [
    { title: "", x: "", y: "", series: [{ name: "", as: "both", x: [NaN, 1, "a"], y: [1, Infinity, 2] }] },
    { title: "", x: "", y: "", series: [{ name: "", as: "line", x: ["2026-01-01", "2026-01-02"], y: [1, 2] }] },
    { title: "", x: "", y: "", isLogX: true, isLogY: true, series: [{ name: "", as: "bars", x: [0, 1], y: [-1, 10] }] },
    { title: "", x: "", y: "", series: [binned([], ""), binned([3], "one"), binned([1, 2, 3], "three")] },
    { title: "", x: "", y: "", series: [], grid: { columns: ["a"], rows: ["b"], cells: [[5]], isCounted: true } },
    { title: "", x: "", y: "", series: [], grid: { columns: [], rows: [], cells: [], isCounted: false } },
  ];
  for (const figure of odd) {
    for (const mark of drawFigure(figure, 300, 200, THEME).marks) {
      for (const value of Object.values(mark.is)) expect(String(value)).not.toMatch(/NaN|Infinity/);
    }
  }
  const dated = odd[1] && drawFigure(odd[1], 300, 200, THEME);
  expect(dated?.marks.some((mark) => mark.text?.startsWith("2026-01-0"))).toBe(true);
});

test("a cloud fills its space, whatever it is made of", () => {
  const corners = [[0, 0, 0], [0, 2, 0], [0, 0, 2], [2, 0, 0], [2, 2, 0], [0, 2, 2], [2, 0, 2], [2, 2, 2]];
  const cloud = cloudOf(JSON.stringify({ type: "lidar/beta", points: [[0, 0, 0], [4, 2, 2]], boxes: [{ corners, label: "b", color: [1, 2, 300] }], vectors: [{ start: [0, 0, 0], end: [1, 1, 1] }] }));
  expect([...(cloud?.at ?? [])]).toEqual([-1, -0.5, -0.5, 1, 0.5, 0.5]);
  expect(cloud?.edges).toHaveLength(13);
  expect(new Set(cloud?.edges.slice(0, 12).map(({ from, to }) => from.filter((value, axis) => Math.abs(value - (to[axis] ?? 0)) > 1e-6).length))).toEqual(new Set([1]));
  expect(cloud?.edges[0]?.colour).toBe("rgb(1 2 255)");
  expect(cloudOf("[[1, 2, 3, 9, 8, 7]]")?.colours).toEqual(["rgb(9 8 7)"]);
  expect(cloudOf("[[1, 2, 3, 5]]")?.groups).toEqual([5]);
  for (const none of ["{", "[]", "[[1, 2]]", '{"points": 1}']) expect(cloudOf(none)).toBeUndefined();
  expect(seen([0, 0, 0], 1, 1, 3)).toEqual([0.5, 0.5]);
  expect(seen([0, 0, 1], 0, 0, 1)[1]).toBeLessThan(0.5);
});

test("bars of a histogram are equally wide, whatever its bins are", () => {
  const heights = (value: Record<string, Tree>) => barsOf(value).map((bar) => Number(bar.height.toFixed(3)));
  expect(heights({ bins: [0, 1, 2], values: [1, 2] })).toEqual([0.5, 1]);
  expect(whyOf("joined-table")).toContain("two others");
  expect(heights({ packedBins: { min: 0, size: 1, count: 2 }, values: [4, 1] })).toEqual([1, 0.25]);
  expect(barsOf({ packedBins: { min: 0, size: 1, count: 2 }, values: [4, 1] })[1]?.label).toBe("1.000 to 2.000: 1");
  // As TensorBoard has them: narrow around zero, wide outside.
  expect(heights({ bins: [-4, -0.001, 0.001, 4], values: [8, 1, 8] })).toEqual([0.843, 1, 0.843]);
  const many = barsOf({ bins: Array.from({ length: 501 }, (_, place) => place), values: new Array<number>(500).fill(1) });
  expect(many.length).toBe(64);
  expect(many.every((bar) => Math.abs(bar.height - 1) < 0.01)).toBe(true);
  for (const odd of [{}, { values: [] }, { values: [1, 2] }, { bins: [0, 0, 0], values: [1, 2] }, { bins: ["x", null, 1], values: [0, 0] }]) {
    expect(barsOf(odd as Record<string, Tree>).length).toBe((odd as { values?: number[] }).values?.length ?? 0);
  }
});
