// What the server answers, and the only file that asks it. The shapes are those of web/workspace.py.

export type Value = number | string | boolean | null;

export interface Run {
  number: number;
  name: string;
  displayName: string;
  state: string;
  createdAt: number;
  heartbeatAt: number | null;
  tags: string[];
  notes: string | null;
  group: string | null;
  jobType: string | null;
  host: string | null;
  commit: string | null;
  config: Record<string, Value>;
  summary: Record<string, Value>;
}

/** One metric of one run: x and y by bucket; low and high where a bucket holds more than one number. null is what is not finite. */
export interface Series {
  run: string;
  key: string;
  x: (number | null)[];
  y: (number | null)[];
  low?: (number | null)[];
  high?: (number | null)[];
  count: number;
}

export type Stream = "history" | "events";

export interface Question {
  runs: string[];
  keys: string[];
  stream?: Stream;
  x?: string;
  buckets?: number;
  low?: number | null;
  high?: number | null;
  after?: Record<string, number>;
}

/** Names of metrics with the number of runs that have them; steps: the metric that is meant to be the x of another. */
export interface Keys {
  history: Record<string, number>;
  events: Record<string, number>;
  steps: Record<string, string>;
}

export type Tree = Value | Tree[] | { [key: string]: Tree };

export interface About {
  run: Run;
  exitCode: number | null;
  /** Somebody asked it to stop, and it has not heard of it yet. */
  isStopping: boolean;
  program: string | null;
  config: Record<string, Tree>;
  summary: Record<string, Tree>;
  metadata: Record<string, Tree>;
  keys: { history: string[]; events: string[]; media: Record<string, string>; steps: Record<string, string> };
  lines: number;
  console: number;
  files: number;
  /** Charts of tables, by their key. */
  charts: Record<string, CustomChart>;
  /** What the numbers in masks mean, by key of the image and name of the mask. */
  classes: Record<string, Record<string, Record<string, string>>>;
}

/** kind: the specification that it is drawn by; table: the key of its table; columns: which is which part; words: titles. */
export interface CustomChart {
  kind: string;
  table: string;
  columns: Record<string, string>;
  words: Record<string, string>;
}

export interface File {
  name: string;
  bytes: number;
  type: string;
  updatedAt: number;
}

export interface ConsoleLine {
  line: number;
  at: string | null;
  stream: "stdout" | "stderr";
  text: string;
  leftOut: number;
}

export interface Printed {
  lines: ConsoleLine[];
  next?: number;
  found?: number;
  count: number;
}

export interface Medium {
  step: number;
  value: Record<string, Tree>;
}

/** A run that can be restored until a moment. */
export interface Deleted extends Run {
  deletedAt: number;
  until: number;
}

/** Names of the runs that an act changed, and how those look now that are there. */
export interface Changed {
  changed: string[];
  runs: Run[];
}

/** Bytes. */
export interface Usage {
  history: number;
  console: number;
  files: number;
  total: number;
}

/** Which runs stay: the newest so many, and those with any of these tags; null: all. */
export interface Rule {
  keepNewest: number | null;
  keepTags: string[];
}

/** kind: versions are logged to a sequence, and linked to a portfolio. */
export interface Collection {
  name: string;
  kind: "SEQUENCE" | "PORTFOLIO";
  type: string;
  description: string | null;
  tags: string[];
  updatedAt: number;
}

/** newest: the number of its last version. */
export interface ListedCollection extends Collection {
  versions: number;
  newest: number | null;
}

export interface Collections {
  types: { name: string; collections: number }[];
  collections: ListedCollection[];
  more: boolean;
}

/** Where a version is, in whichever project. */
export interface Place {
  entity: string;
  project: string;
  collection: string;
  version: string;
  type: string;
}

/** A run, in whichever project. */
export interface Maker {
  entity: string;
  project: string;
  name: string;
  displayName: string;
  state: string;
}

export interface Version {
  version: string;
  aliases: string[];
  tags: string[];
  state: string;
  digest: string;
  bytes: number;
  files: number;
  createdAt: number;
  loggedBy: Maker | null;
}

/** source: of a link, the version that is meant. links: its places in portfolios. */
export interface AboutVersion extends Version {
  collection: Collection;
  description: string | null;
  metadata: Record<string, Tree>;
  expiresAt: number | null;
  source: Place | null;
  links: (Place & { aliases: string[] })[];
}

/** ref: where a reference lies; null for bytes that the server has. */
export interface Held {
  name: string;
  bytes: number;
  digest: string;
  ref: string | null;
}

/** A run, and the versions that it used or logged; more: how many are left out. */
export interface Beside {
  run: Maker;
  artifacts: Place[];
  more: number;
}

export interface Lineage {
  loggedBy: Beside | null;
  usedBy: Beside[];
  more: boolean;
}

/** Where files come from that a value names by their path. */
export interface Source {
  address: (path: string) => string;
  text: (path: string, atMost: number) => Promise<string>;
}

function sourceOf(address: Source["address"]): Source {
  return { address, text: (path, atMost) => textAt(address(path), atMost) };
}

async function textAt(address: string, atMost: number): Promise<string> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Refused(answer.status, `The file could not be read (${answer.status}).`);
  return (await answer.text()).slice(0, atMost);
}

const ASK_AGAIN_MILLISECONDS = 5_000;
const RUNS_AT_ONCE = 1_000;

/** A refusal or a fault of the server, in its own words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

function versionPath(collection: string, version: string): string {
  return `/collections/${encodeURIComponent(collection)}/${encodeURIComponent(version)}`;
}

/** The page of a version, in whichever project. */
export function placeAddress(place: Omit<Place, "type">): string {
  return `/${[place.entity, place.project, "artifacts", place.collection, place.version].map(encodeURIComponent).join("/")}`;
}

/** The page of a run, in whichever project. */
export function makerAddress(run: Maker): string {
  return `/${[run.entity, run.project, "runs", run.name].map(encodeURIComponent).join("/")}`;
}

export class Server {
  constructor(
    readonly entity: string,
    readonly project: string,
    /** What shows the server that a page of its own asks; none for a visitor who may look, and do nothing. */
    readonly formToken?: string,
  ) {}

  get mayAct(): boolean {
    return this.formToken !== undefined;
  }

  get base(): string {
    return this.projectAddress(this.project);
  }

  runs(skip = 0): Promise<{ runs: Run[]; more: boolean }> {
    return this.#ask(`/runs?skip=${skip}`);
  }

  keys(): Promise<Keys> {
    return this.#ask("/keys");
  }

  async charts(question: Question, signal?: AbortSignal): Promise<Series[]> {
    const headers = { "Content-Type": "application/json" };
    const answer = await this.#ask<{ series: Series[] }>("/charts", { method: "POST", headers, body: JSON.stringify(question), signal });
    return answer.series;
  }

  /** Save the layout of the project's page; an empty one takes it away. */
  async saveLayout(layout: object): Promise<void> {
    const headers = { "Content-Type": "application/json", "X-Form-Token": this.formToken ?? "" };
    await this.#ask("/layout", { method: "POST", headers, body: JSON.stringify(layout) });
  }

  /**
   * Follow what changes in the project; the function that is given back ends it. lost: the connection is gone, or there again; refused: it
   * is not to be had.
   */
  follow(changed: (runs: Run[]) => void, lost: (isLost: boolean) => void, refused: () => void): () => void {
    let events: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = () => {
      events = new EventSource(`${this.base}/live`);
      events.addEventListener("runs", (event) => changed((JSON.parse((event as MessageEvent<string>).data) as { runs: Run[] }).runs));
      events.addEventListener("open", () => lost(false));
      events.addEventListener("error", () => {
        lost(true);
        // A browser asks again by itself after a broken connection, but not after a refusal.
        if (events.readyState !== EventSource.CLOSED) return;
        refused();
        timer = setTimeout(open, ASK_AGAIN_MILLISECONDS);
      });
    };
    open();
    return () => {
      clearTimeout(timer);
      events.close();
    };
  }

  /** Do something to many runs. */
  act(runs: string[], act: "tag" | "untag" | "delete" | "restore" | "stop", tags: string[] = []): Promise<Changed> {
    return this.#onRuns(runs, { act, tags });
  }

  /** Move runs to another project of the same entity, which is made when it is not there. */
  move(runs: string[], to: string): Promise<Changed> {
    return this.#onRuns(runs, { act: "move", to });
  }

  projectAddress(project: string): string {
    return `/${encodeURIComponent(this.entity)}/${encodeURIComponent(project)}`;
  }

  async #onRuns(runs: string[], what: object): Promise<Changed> {
    const all: Changed = { changed: [], runs: [] };
    for (let from = 0; from < runs.length; from += RUNS_AT_ONCE) {
      const done = await this.#tell<Changed>("/runs/acts", { runs: runs.slice(from, from + RUNS_AT_ONCE), ...what });
      all.changed.push(...done.changed);
      all.runs.push(...done.runs);
    }
    return all;
  }

  async deleted(): Promise<Deleted[]> {
    return (await this.#ask<{ runs: Deleted[] }>("/deleted")).runs;
  }

  usage(): Promise<Usage> {
    return this.#ask("/usage");
  }

  rule(): Promise<Rule & { due: number }> {
    return this.#ask("/retention");
  }

  /** Set the rule, or with preview only hear how many runs it would delete now. */
  setRule(rule: Rule, preview = false): Promise<Rule & { due: number }> {
    return this.#tell("/retention", { ...rule, preview });
  }

  deleteProject(): Promise<{ changed: boolean }> {
    return this.#tell("/acts", { act: "delete" });
  }

  runAddress(run: Run | string): string {
    return `${this.base}/runs/${encodeURIComponent(typeof run === "string" ? run : run.name)}`;
  }

  about(run: string): Promise<About> {
    return this.#ask(`/runs/${encodeURIComponent(run)}/about`);
  }

  files(run: string, after?: string): Promise<{ files: File[]; more: boolean; refused: { name: string; reason: string }[]; full: string | null }> {
    return this.#ask(`/runs/${encodeURIComponent(run)}/files${after === undefined ? "" : `?after=${encodeURIComponent(after)}`}`);
  }

  fileAddress(run: string, name: string): string {
    return `${this.base}/runs/${encodeURIComponent(run)}/files/${name.split("/").map(encodeURIComponent).join("/")}`;
  }

  /** Where a page that the run logged is to be had for a frame. */
  shownAddress(run: string, name: string, withScripts: boolean): string {
    return `${this.runAddress(run)}/shown/${name.split("/").map(encodeURIComponent).join("/")}${withScripts ? "?scripts" : ""}`;
  }

  /** The text of a file, at most so many characters of it. */
  text(run: string, name: string, atMost = 500_000): Promise<string> {
    return textAt(this.fileAddress(run, name), atMost);
  }

  /** The files of a run. */
  filesOf(run: string): Source {
    return sourceOf((path) => this.fileAddress(run, path));
  }

  /** What an artifact holds that a run logged, by what the client called it. */
  heldBy(run: string, clientId: string): Source {
    return sourceOf((path) => `${this.runAddress(run)}/held/${encodeURIComponent(clientId)}/${path.split("/").map(encodeURIComponent).join("/")}`);
  }

  console(run: string, question: Record<string, string>): Promise<Printed> {
    return this.#ask(`/runs/${encodeURIComponent(run)}/console?${new URLSearchParams(question)}`);
  }

  async media(run: string, key: string): Promise<Medium[]> {
    return (await this.#ask<{ values: Medium[] }>(`/runs/${encodeURIComponent(run)}/media?${new URLSearchParams({ key })}`)).values;
  }

  get artifactsAddress(): string {
    return `${this.base}/artifacts`;
  }

  collections(type: string, skip = 0): Promise<Collections> {
    return this.#ask(`/collections?${new URLSearchParams({ skip: `${skip}`, ...(type ? { type } : {}) })}`);
  }

  versions(collection: string, skip = 0): Promise<{ collection: Collection; versions: Version[]; more: boolean }> {
    return this.#ask(`/collections/${encodeURIComponent(collection)}?skip=${skip}`);
  }

  aboutVersion(collection: string, version: string): Promise<AboutVersion> {
    return this.#ask(`${versionPath(collection, version)}/about`);
  }

  filesOfVersion(collection: string, version: string, after?: string): Promise<{ files: Held[]; count: number; more: boolean }> {
    return this.#ask(`${versionPath(collection, version)}/files${after === undefined ? "" : `?${new URLSearchParams({ after })}`}`);
  }

  heldAddress(collection: string, version: string, name: string): string {
    return `${this.base}${versionPath(collection, version)}/file?${new URLSearchParams({ name })}`;
  }

  lineage(collection: string, version: string): Promise<Lineage> {
    return this.#ask(`${versionPath(collection, version)}/lineage`);
  }

  /** How many bytes go when a version goes. */
  async freed(collection: string, version: string): Promise<number> {
    return (await this.#ask<{ bytes: number }>(`${versionPath(collection, version)}/freed`)).bytes;
  }

  /** Do something to a version; gives its aliases by then. */
  async actOnVersion(collection: string, version: string, act: "alias" | "unalias" | "delete", alias = ""): Promise<string[]> {
    return (await this.#tell<{ aliases: string[] }>(`${versionPath(collection, version)}/acts`, { act, alias })).aliases;
  }

  artifactsOf(run: string): Promise<{ logged: Place[]; used: Place[]; moreLogged: number; moreUsed: number }> {
    return this.#ask(`/runs/${encodeURIComponent(run)}/artifacts`);
  }

  #tell<Answer>(path: string, what: object): Promise<Answer> {
    const headers = { "Content-Type": "application/json", "X-Form-Token": this.formToken ?? "" };
    return this.#ask(path, { method: "POST", headers, body: JSON.stringify(what) });
  }

  async #ask<Answer>(path: string, options: RequestInit = {}): Promise<Answer> {
    let answer: Response;
    try {
      answer = await fetch(this.base + path, { ...options, headers: { Accept: "application/json", ...options.headers } });
    } catch (fault) {
      if (fault instanceof DOMException && fault.name === "AbortError") throw fault;
      throw new Refused(0, "The server cannot be reached.");
    }
    if (!answer.ok) {
      const told = (await answer.json().catch(() => ({}))) as { error?: string };
      const words = told.error ?? `The server answered ${answer.status}.`;
      throw new Refused(answer.status, answer.status === 401 ? "You are signed out. Load the page again to sign in." : words);
    }
    return (await answer.json()) as Answer;
  }
}
