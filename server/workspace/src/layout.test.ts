import { expect, test } from "vitest";
import { DEFAULT, type Saved, understand } from "./layout.svelte";

test("what was laid out comes back as it was", () => {
  const layout: Saved = {
    ...DEFAULT,
    smoothing: "gaussian",
    amount: 3,
    filters: [{ column: "config.lr", is: "<", value: "0.1" }],
    sort: { column: "summary.loss", descending: false },
    hidden: ["one"],
    panels: [{ id: "a", kind: "lines", title: "both", keys: ["loss", "accuracy"] }],
    view: "charts",
  };
  expect(understand(JSON.parse(JSON.stringify(layout)))).toEqual(layout);
});

test("nothing else is taken, whatever a link holds", () => {
  for (const odd of [undefined, null, 5, "text", [], [1], { other: 1 }]) expect(understand(odd)).toEqual(DEFAULT);
  for (const name of Object.keys(DEFAULT)) for (const odd of [null, -7, {}, "\u202e", [null, 1, {}]]) {
    const taken = understand({ [name]: odd }) as unknown as Record<string, unknown>;
    if (typeof odd === "string") expect(typeof taken[name]).toBe(typeof (DEFAULT as unknown as Record<string, unknown>)[name]);
    else expect({ ...taken, [name]: undefined }).toEqual({ ...DEFAULT, [name]: undefined });
  }
  expect(understand({ sort: { column: 7 }, size: 99, smoothing: "much", view: "none", amount: -7 })).toEqual(DEFAULT);
  expect(understand({ columns: ["state", "state", 5, "config.lr"], filters: [1, { column: "state", is: "like", value: "" }] })).toMatchObject({
    columns: ["state", "config.lr"],
    filters: [],
  });
});
