import { expect, test } from "vitest";
import type { Question, Run, Series, Server } from "../wire";
import { Fetcher } from "./fetching.svelte";

// What browsers have had since 2023, and Node.js since its version 21.
Map.groupBy ??= <Key, Item>(items: Iterable<Item>, keyOf: (item: Item, at: number) => Key): Map<Key, Item[]> => {
  const groups = new Map<Key, Item[]>();
  let at = 0;
  for (const item of items) {
    const key = keyOf(item, at++);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
};

/** A server with one point a step of every run and key, up to an end; it keeps what it was asked. */
function serving(end: { step: number }): { server: Server; questions: Question[] } {
  const questions: Question[] = [];
  const charts = async (question: Question): Promise<Series[]> => {
    questions.push(question);
    return question.runs.flatMap((run) =>
      question.keys.map((key) => {
        const from = question.after?.[run] ?? 0;
        const x = Array.from({ length: end.step - from + 1 }, (_, at) => from + at);
        return { run, key, x, y: x, count: x.length };
      }),
    );
  };
  return { server: { charts } as unknown as Server, questions };
}

const runs = ["a", "b"].map((name) => ({ name })) as Run[];
const wanted = (key: string) => ({ key, x: "_step", low: null, high: null });
const asked = () => new Promise((done) => setTimeout(done, 60));

test("panels that ask within a moment are answered by one question, each run once", async () => {
  const { server, questions } = serving({ step: 2 });
  const fetcher = new Fetcher(server);
  const loss = fetcher.show(wanted("loss"), runs);
  fetcher.show(wanted("gain"), runs);
  await asked();
  expect(questions).toMatchObject([{ runs: ["a", "b"], keys: ["loss", "gain"], after: {} }]);
  expect(fetcher.show(wanted("loss"), runs)).toBe(loss);
  await asked();
  expect(questions.length).toBe(1);
  expect(loss.series.get("b")?.x).toEqual([0, 1, 2]);
});

test("what follows is asked for from the end on, and what was followed for long anew", async () => {
  const end = { step: 2 };
  const { server, questions } = serving(end);
  const fetcher = new Fetcher(server, "history", 5);
  const loss = fetcher.show(wanted("loss"), runs);
  await asked();
  end.step = 20;
  await fetcher.renew(["a"], [wanted("loss")]);
  expect(questions.at(-1)).toMatchObject({ runs: ["a"], after: { a: 2 } });
  expect([loss.series.get("a")?.x.length, loss.series.get("b")?.x.length]).toEqual([21, 3]);
  end.step = 21;
  await fetcher.renew(["a"], [wanted("loss")]);
  expect(questions.at(-1)?.after).toEqual({});
  expect(loss.series.get("a")?.x.length).toBe(22);
});

test("a panel out of sight asks for a run that changed when it is seen again", async () => {
  const { server, questions } = serving({ step: 2 });
  const fetcher = new Fetcher(server);
  fetcher.show(wanted("loss"), runs);
  await asked();
  await fetcher.renew(["a"], []);
  expect(questions.length).toBe(1);
  fetcher.show(wanted("loss"), runs);
  await asked();
  expect(questions.at(-1)?.runs).toEqual(["a"]);
});
