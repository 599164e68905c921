import { expect, test } from "vitest";
import { DEFAULT, DEFAULT_PANEL, type OwnPanel, type Saved, understand } from "./layout.svelte";

const JUNK: unknown[] = [undefined, null, true, 0, -1e308, NaN, Infinity, "", "x", "constructor", [], [null], [[]], [{}], [1, "a", null], {}, { column: 1 }, { length: 3 }, () => 1];

const own: OwnPanel = { ...DEFAULT_PANEL, id: "a", kind: "scatter", keys: ["config.lr", "summary.loss"], colour: "state", low: -1.5, isWide: true, height: 2 };

test("nothing saved is the default, a copy of it", () => {
  for (const nothing of [undefined, null, 3, "x", [], [1]]) expect(understand(nothing)).toEqual(DEFAULT);
  understand({}).columns.push("more");
  understand({}).sort.column = "other";
  expect(understand({})).toEqual(DEFAULT);
});

test("what was saved comes back through JSON as it was", () => {
  const saved: Saved = {
    ...DEFAULT,
    smoothing: "gaussian",
    amount: 12,
    columns: ["config.lr"],
    sort: { column: "summary.loss", descending: false },
    filters: [{ column: "state", is: "≠", value: "crashed" }],
    size: 0,
    panels: [own],
    adjusted: [{ name: "loss", logY: false, low: 0, high: null, x: "epoch" }],
    view: "charts",
  };
  expect(understand(JSON.parse(JSON.stringify(saved)))).toEqual(saved);
});

test.each(Object.keys(DEFAULT))("junk in the place of %s leaves a layout of the right types", (name) => {
  for (const junk of JUNK) expectRightTypes(understand({ ...DEFAULT, [name]: junk }));
});

test.each(Object.keys(DEFAULT_PANEL))("junk in the place of a panel's %s leaves a panel of the right types, or none", (name) => {
  for (const junk of JUNK) {
    const { panels } = understand({ panels: [{ ...own, [name]: junk }] });
    for (const panel of panels) {
      expect(Object.keys(panel)).toEqual(Object.keys(DEFAULT_PANEL));
      for (const [member, usual] of Object.entries(DEFAULT_PANEL)) {
        const value: unknown = panel[member as keyof OwnPanel];
        if (member === "low" || member === "high") expect(value === null || Number.isFinite(value)).toBe(true);
        else expect(typeof value).toBe(typeof usual);
      }
      expect(panel.keys.every((key) => typeof key === "string")).toBe(true);
      expect([0, 1, 2]).toContain(panel.height);
    }
  }
});

test("junk among filters, panels and what was adjusted is dropped, the rest stays", () => {
  const found = understand({
    filters: [...JUNK, { column: "state", is: "=", value: "failed" }, { column: "state", is: "like", value: "x" }, { column: "a", is: "=", value: 1 }],
    panels: [...JUNK, own, { ...own, id: "b", kind: "pie" }, { id: "c", kind: "lines", keys: [1, "loss", "loss", null] }],
    adjusted: [...JUNK, { name: "loss", logY: "yes", low: "0", high: 1e400, x: {} }],
  });
  expect(found.filters).toEqual([{ column: "state", is: "=", value: "failed" }]);
  expect(found.panels).toEqual([own, { ...DEFAULT_PANEL, id: "c", keys: ["loss"] }]);
  expect(found.adjusted).toEqual([{ name: "loss", logY: null, low: null, high: null, x: "" }]);
});

test("names that must differ are there once", () => {
  const found = understand({ columns: ["a", "a", "b"], pinned: ["x", "x"], panels: [own, own], adjusted: [{ name: "l" }, { name: "l" }] });
  expect([found.columns, found.pinned, found.panels.length, found.adjusted.length]).toEqual([["a", "b"], ["x"], 1, 1]);
});

test("a link cannot ask for more work than a page can do", () => {
  const many = Array.from({ length: 20_000 }, (_, at) => ({ ...own, id: `${at}`, title: "t".repeat(5_000), keys: Array.from({ length: 500 }, (_, key) => `${key}`) }));
  const found = understand({ panels: many, amount: 1e300, size: 1e9 });
  expect([found.panels.length, found.panels[0]?.keys.length, found.panels[0]?.title.length, found.amount, found.size]).toEqual([100, 100, 1_000, 100, 3]);
});

test("members of an object's kind are not its own, and a name like theirs does no harm", () => {
  const hostile: unknown = JSON.parse('{"__proto__": {"search": "x"}, "adjusted": [{"name": "__proto__", "low": 1}], "constructor": 1}');
  expect(understand(hostile)).toEqual({ ...DEFAULT, adjusted: [{ name: "__proto__", logY: null, low: 1, high: null, x: "" }] });
  expect(({} as Record<string, unknown>)["search"]).toBeUndefined();
});

function expectRightTypes(found: Saved): void {
  expect(Object.keys(found).sort()).toEqual(Object.keys(DEFAULT).sort());
  for (const [name, usual] of Object.entries(DEFAULT)) {
    const value: unknown = found[name as keyof Saved];
    expect(typeof value, name).toBe(typeof usual);
    expect(Array.isArray(value), name).toBe(Array.isArray(usual));
  }
  for (const name of ["columns", "hidden", "shown", "pinned", "closed"] as const) expect(found[name].every((each) => typeof each === "string")).toBe(true);
  expect([typeof found.sort.column, typeof found.sort.descending]).toEqual(["string", "boolean"]);
  expect(["none", "exponential", "gaussian", "average"]).toContain(found.smoothing);
  expect(["both", "table", "charts"]).toContain(found.view);
  expect(Number.isFinite(found.amount) && found.amount >= 0 && found.amount <= 100).toBe(true);
  expect([0, 1, 2, 3]).toContain(found.size);
}
