import { expect, test } from "vitest";
import type { Run, Value } from "../wire";
import { drawBars } from "./bars";
import { colouringBy } from "./colouring";
import { type Line, type Look, spanOf } from "./drawing";
import { mediumOf, moved, titleOf } from "./kinds";
import { drawLines } from "./lines";
import { axesOf, changed, dragged, drawParallel, kept, nudged } from "./parallel";
import { drawScatter, placed } from "./scatter";
import type { Mark, Scene, Theme } from "./scene";
import { columnOf } from "./values";
import { DEFAULT_PANEL } from "../layout.svelte";

const theme: Theme = { isDark: false, ink: "#111111", soft: "#555555", edge: "#dddddd", paper: "#ffffff" };
const look: Look = { smoothing: "none", amount: 0, logX: false, logY: false, shade: true };

function run(number: number, config: Record<string, Value>): Run {
  return {
    number, name: `r${number}`, displayName: `run ${number}`, state: "finished", createdAt: number, heartbeatAt: null, tags: [], notes: null,
    group: null, jobType: null, host: null, commit: null, config, summary: {},
  };
}

function tagged(scene: Scene, tag: Mark["tag"]): Mark[] {
  return scene.marks.filter((mark) => mark.tag === tag);
}

function expectFinite(scene: Scene): void {
  for (const mark of scene.marks) for (const value of Object.values(mark.is)) expect(String(value), JSON.stringify(mark)).not.toMatch(/NaN|Infinity|undefined/);
}

test("bars stand in the order of their values, and reach from zero to either side", () => {
  const scene = drawBars([{ label: "a", colour: "red", value: -1 }, { label: "b", colour: "blue", value: 3 }], 400, 100, theme, String);
  expect(scene.spots.map((spot) => spot.label)).toEqual(["b", "a"]);
  const [b, a] = tagged(scene, "rect").map((mark) => mark.is as { x: number; width: number });
  expect(b && a && [Math.abs(b.width - 3 * a.width) < 0.1, Math.abs(a.x + a.width - b.x) < 0.1]).toEqual([true, true]);
});

test("many bars make the drawing taller, and odd values do no harm", () => {
  const bars = Array.from({ length: 200 }, (_, at) => ({ label: `run ${at}`, colour: "red", value: at }));
  expect(drawBars(bars, 300, 100, theme, String).height).toBeGreaterThan(200 * 15);
  for (const values of [[0], [0, 0], [1e308, -1e308], [5e-324], []]) {
    const scene = drawBars(values.map((value) => ({ label: "a", colour: "red", value })), 60, 80, theme, String);
    expectFinite(scene);
    expect(tagged(scene, "rect").every((mark) => Number(mark.is["width"]) >= 1)).toBe(true);
  }
});

const RUNS = [run(1, { lr: 0.001, opt: "adam", loss: 1 }), run(2, { lr: 0.1, opt: "sgd", loss: 2 }), run(3, { lr: null, opt: "sgd", loss: 3 }), run(4, { lr: "NaN", loss: 4 })];

test("a dot stands where its run's values are; a run without one has none", () => {
  const what = { x: columnOf(RUNS, "config.lr"), y: columnOf(RUNS, "config.loss"), logX: true, logY: false, colouring: colouringBy("", RUNS, theme) };
  expect(placed(RUNS, what).map((each) => each.number)).toEqual([1, 2]);
  const scene = drawScatter(RUNS, what, 400, 300, theme);
  const [one, other] = scene.spots;
  expect(one && other && [one.x < other.x, one.y > other.y]).toEqual([true, true]);
  expect(tagged(scene, "circle")).toHaveLength(2);
  expect(scene.legend.map((entry) => entry.label)).toEqual(["run 1", "run 2"]);
});

test("texts have an axis, too, and values not above zero no place on a logarithm", () => {
  const what = { x: columnOf(RUNS, "config.opt"), y: columnOf(RUNS, "config.loss"), logX: true, logY: true, colouring: colouringBy("config.loss", RUNS, theme) };
  expect(placed(RUNS, what)).toHaveLength(3);
  expectFinite(drawScatter(RUNS, what, 400, 300, theme));
  const negative = [run(1, { a: -1, b: 1 })];
  const none = { x: columnOf(negative, "config.a"), y: columnOf(negative, "config.b"), logX: true, logY: false, colouring: colouringBy("", negative, theme) };
  expect(drawScatter(negative, none, 400, 300, theme).spots).toEqual([]);
});

test("colours by a value go from the least to the most, texts have one each, and without a value none", () => {
  const by = colouringBy("config.lr", RUNS, theme);
  expect(by.ends).toEqual(["0.001", "0.1"]);
  expect(new Set(RUNS.slice(0, 3).map(by.of)).size).toBe(3);
  expect(by.of(RUNS[3] as Run)).toBe(theme.soft);
  const texts = colouringBy("config.opt", RUNS, theme);
  expect(texts.texts.map((each) => each.label)).toEqual(["adam", "sgd"]);
  expect(texts.of(RUNS[1] as Run)).toBe(texts.of(RUNS[2] as Run));
});

test("a range on an axis keeps the runs inside it, and none that have nothing there", () => {
  const axes = axesOf(["config.lr", "config.opt", "config.loss"].map((name) => columnOf(RUNS, name)), 200);
  expect(axes[0]?.scale.isLog).toBe(true);
  expect(kept(RUNS, axes, {}).length).toBe(4);
  expect(kept(RUNS, axes, { "config.loss": [0, 0.5] }).map((each) => each.number)).toEqual([1, 2]);
  expect(kept(RUNS, axes, { "config.lr": [0, 1] }).map((each) => each.number)).toEqual([1, 2]);
  expect(kept(RUNS, axes, { "config.opt": [0.5, 1], "config.loss": [0.5, 1] }).map((each) => each.number)).toEqual([3]);
  const scene = drawParallel(RUNS, axes, { "config.loss": [0, 0.5] }, colouringBy("", RUNS, theme), 500, 200, theme);
  expect(tagged(scene, "path")).toHaveLength(2);
  expectFinite(scene);
});

test("a line is broken at an axis where its run has nothing", () => {
  const axes = axesOf(["config.opt", "config.lr", "config.loss"].map((name) => columnOf(RUNS, name)), 200);
  const scene = drawParallel(RUNS.slice(2, 3), axes, {}, colouringBy("", RUNS, theme), 500, 200, theme);
  expect(String(tagged(scene, "path")[0]?.is["d"]).match(/M/g)).toHaveLength(2);
  expect(tagged(scene, "circle")).toHaveLength(2);
  expectFinite(drawParallel(RUNS, axes.slice(0, 1), {}, colouringBy("", RUNS, theme), 40, 60, theme));
});

test("a drag in either direction is a range, a click takes it away", () => {
  expect(dragged(0.8, 0.2)).toEqual([0.2, 0.8]);
  expect(dragged(-3, 0.5)).toEqual([0, 0.5]);
  expect(dragged(0.5, 0.505)).toBeUndefined();
});

test("keys move one end, which does not pass the other; the whole axis is no range", () => {
  expect(nudged(undefined, 0, 0.1)).toEqual([0.1, 1]);
  expect(nudged(undefined, 0, -0.1)).toBeUndefined();
  expect(nudged([0.1, 1], 0, -0.1)).toBeUndefined();
  const [low = 0, high = 0] = nudged([0.4, 0.5], 0, 1) ?? [];
  expect(low).toBeLessThan(high);
  expect(nudged([0.4, 0.5], 1, -1)?.[1]).toBeGreaterThan(0.4);
});

test("ranges of columns with odd names are kept apart", () => {
  const ranges = changed(changed({}, "__proto__", [0, 0.5]), "b", [0.1, 0.2]);
  expect(Object.keys(ranges)).toEqual(["__proto__", "b"]);
  expect(Object.keys(changed(ranges, "__proto__", undefined))).toEqual(["b"]);
});

function line(more: Partial<Line>): Line {
  return { name: "a", label: "a", colour: "red", x: [0, 1, 2, 3], y: [1, 2, 3, 4], ...more };
}

test("lines of a file have gaps, shades and what was before smoothing", () => {
  const scene = drawLines([line({ y: [1, null, 3, 4], low: [0, 1, 2, 3], high: [2, 3, 4, 5], raw: [1, 2, 3, 4] })], look, "number", 600, 300, theme);
  const paths = tagged(scene, "path");
  expect(paths.map((mark) => mark.is["fill"])).toEqual(["red", "none", "none"]);
  expect(String(paths[2]?.is["d"]).match(/M/g)).toHaveLength(2);
  expectFinite(scene);
});

test("a logarithm and odd values do no harm to a file", () => {
  const odd = [line({ x: [0, -1, null, 10], y: [0, -1, 5, NaN] }), line({ x: [], y: [] }), line({ x: [5], y: [2] })];
  for (const logs of [{}, { logX: true }, { logY: true }, { logX: true, logY: true }]) expectFinite(drawLines(odd, { ...look, ...logs }, "seconds", 300, 200, theme));
  expect(tagged(drawLines([line({ x: [5], y: [2] })], look, "number", 300, 200, theme), "circle")).toHaveLength(1);
});

test("ends that somebody set hold, unless they leave nothing between", () => {
  expect(spanOf(look, [0, 10])).toEqual([-0.6, 10.6]);
  expect(spanOf({ ...look, low: 2, high: 4 }, [0, 10])).toEqual([2, 4]);
  expect(spanOf({ ...look, low: 4, high: 2 }, [0, 10])).toEqual([-0.6, 10.6]);
  expect(spanOf({ ...look, logY: true, low: -1, high: 4 }, [1, 10])).toEqual([1, 4]);
  expect(spanOf({ ...look, low: null }, [3, 3])).toEqual([1.5, 4.5]);
});

test("a panel is named after what it shows, unless somebody named it", () => {
  expect(titleOf({ ...DEFAULT_PANEL, kind: "scatter", keys: ["config.lr", "summary.lr"] })).toBe("summary.lr over config.lr");
  expect(titleOf({ ...DEFAULT_PANEL, kind: "bars", keys: ["loss"], take: "mean" })).toBe("loss, mean");
  expect(titleOf({ ...DEFAULT_PANEL, keys: ["loss"], pattern: "^val/" })).toBe("loss, /^val//");
  expect(titleOf({ ...DEFAULT_PANEL, title: "Mine", keys: ["loss"] })).toBe("Mine");
});

test("a panel moves to the place of another", () => {
  expect(moved(["a", "b", "c"], 0, 2)).toEqual(["b", "c", "a"]);
  expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
  expect(moved(["a"], 5, 0)).toEqual(["a"]);
});

test("media with files are told from texts that look alike, and from what every object has", () => {
  const of = (value: string) => mediumOf({ summary: { sample: value } } as unknown as Run, "sample");
  expect(["[image-file]", "[table-file]", "[images/separated]", "[histogram]", "image-file", "[a] [b-file]"].map(of)).toEqual([
    "image-file", "table-file", "images/separated", undefined, undefined, undefined,
  ]);
  expect(mediumOf({ summary: {} } as unknown as Run, "constructor")).toBeUndefined();
});
