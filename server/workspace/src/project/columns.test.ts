import { expect, test } from "vitest";
import type { Run } from "../wire";
import { available, chosen, sorted } from "./columns";

function run(number: number, more: Partial<Run> = {}): Run {
  return {
    number, name: `r${number}`, displayName: `run ${number}`, state: "finished", createdAt: number, heartbeatAt: null, tags: [], notes: null,
    group: null, jobType: null, host: null, commit: null, config: {}, summary: {}, ...more,
  };
}

const runs = [run(1, { summary: { loss: 0.5 } }), run(2, { config: { lr: 0.1 } }), run(3, { summary: { loss: 0.1 }, tags: ["best"] })];

test("runs without a value come last either way", () => {
  expect(sorted(runs, { column: "summary.loss", descending: true }).map((each) => each.number)).toEqual([1, 3, 2]);
  expect(sorted(runs, { column: "summary.loss", descending: false }).map((each) => each.number)).toEqual([3, 1, 2]);
});

test("texts with numbers in them sort as people read them", () => {
  const named = [run(1, { displayName: "run 10" }), run(2, { displayName: "run 9" })];
  expect(sorted(named, { column: "displayName", descending: false }).map((each) => each.number)).toEqual([2, 1]);
});

test("filters compare numbers as numbers, and all must hold", () => {
  const below = { column: "summary.loss", is: "<", value: "0.5" } as const;
  expect(chosen(runs, [below], "").map((each) => each.number)).toEqual([3]);
  expect(chosen(runs, [below, { column: "tags", is: "contains", value: "BEST" }], "").map((each) => each.number)).toEqual([3]);
  expect(chosen(runs, [{ column: "config.lr", is: "=", value: "0.10" }], "").map((each) => each.number)).toEqual([2]);
  expect(chosen(runs, [], "run 2").map((each) => each.number)).toEqual([2]);
});

test("every config and summary key is a column, the client's own left out", () => {
  expect(available([run(1, { summary: { _step: 1, loss: 1 }, config: { lr: 1 } })]).slice(-2)).toEqual(["config.lr", "summary.loss"]);
});
