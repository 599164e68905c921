import { expect, test } from "vitest";
import { type Scene, type Theme, circle, cut, escape, label, rect, spotAt, through, writeSvg } from "./scene";

const theme: Theme = { isDark: false, ink: "#111111", soft: "#555555", edge: "#dddddd", paper: "#ffffff" };

function scene(more: Partial<Scene> = {}): Scene {
  return { width: 300, height: 100, marks: [], spots: [], nearest: "both", legend: [], ...more };
}

test("text and attributes of a file cannot become marks", () => {
  const hostile = `</text><script>alert(1)</script>" onload='x' &amp; \u0000\ud800`;
  const { text } = writeSvg(scene({ marks: [label(1, 2, hostile, "red"), rect(0, 0, 1, 1, `"/><script>`)], legend: [{ colour: "red", label: hostile }] }), theme, hostile);
  expect(text).not.toContain("<script");
  expect(text).not.toMatch(/[\u0000\ud800]/u);
  expect(text.match(/<title>/g)).toHaveLength(1);
  // Every sign that opens a mark opens one of ours.
  expect(new Set([...text.matchAll(/<\/?([^\s>/]+)/g)].map(([, tag]) => tag))).toEqual(new Set(["svg", "title", "rect", "text", "g"]));
});

test("what XML cannot hold is replaced, what it can stays", () => {
  expect(escape("a\u0007b\ufffe\udc00")).toBe("a\ufffdb\ufffd\ufffd");
  expect(escape("tab\t, line\n, 😀 <&>\"")).toBe("tab\t, line\n, 😀 &lt;&amp;&gt;&quot;");
});

test("a file's colours are plain, and it is as large as it says", () => {
  const legend = Array.from({ length: 12 }, (_, at) => ({ colour: "oklch(0% 0 0 / 1)", label: `run number ${at}` }));
  const { text, width, height } = writeSvg(scene({ marks: [circle(1, 1, 2, "oklch(100% 0 0 / 1)")], legend }), theme, "t");
  expect(text).toContain('fill="#ffffff"');
  expect(text).not.toContain("oklch");
  expect(text).toContain(`width="${width}" height="${height}"`);
  const ys = [...text.matchAll(/<text x="[\d.]+" y="([\d.]+)"/g)].map(([, y]) => Number(y));
  expect(Math.max(...ys)).toBeLessThan(height);
  // The legend goes on in further lines.
  expect(new Set(ys).size).toBeGreaterThan(2);
});

test("lines are broken where there is no point", () => {
  expect(through([[0, 1], [1, 2], null, null, [3, 4.005], [5, 6]])).toBe("M0 1L1 2M3 4.01L5 6");
  expect(through([null])).toBe("");
});

test("the spot that is meant is the nearest by what the drawing goes by", () => {
  const spots = [
    { x: 10, y: 10, label: "a", detail: "", colour: "" },
    { x: 90, y: 80, label: "b", detail: "", colour: "" },
  ];
  expect(spotAt(scene({ spots }), 80, 70)).toBe(1);
  expect(spotAt(scene({ spots }), 150, 10)).toBeUndefined();
  expect(spotAt(scene({ spots, nearest: "y" }), 300, 20)).toBe(0);
  expect(spotAt(scene({ spots, nearest: "x" }), 60, 0)).toBe(1);
  expect(spotAt(scene(), 1, 1)).toBeUndefined();
});

test("a text is cut between letters", () => {
  expect(cut("abcdef", 30, 10)).toBe("ab…");
  expect(cut("😀😀😀😀", 20, 10)).toBe("😀…");
  expect(cut("abc", 30, 10)).toBe("abc");
  expect(cut("abc", -5, 10)).toBe("a…");
});
