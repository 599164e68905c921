// Does something about names that come again and again: one turn at a time, and after each a rest as long as the turn took, so that whoever
// is asked is never asked faster than it answers.

const SHORTEST_REST_MILLISECONDS = 250;

export class Gathering {
  #names = new Set<string>();
  #isBusy = false;

  constructor(
    readonly act: (names: string[]) => Promise<void>,
    readonly rest: (milliseconds: number) => Promise<void> = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds)),
  ) {}

  /** Have names acted upon, now or with the next turn. */
  async add(names: string[]): Promise<void> {
    names.forEach((name) => this.#names.add(name));
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (this.#names.size) {
        const turn = [...this.#names];
        this.#names.clear();
        const began = performance.now();
        await this.act(turn);
        await this.rest(Math.max(SHORTEST_REST_MILLISECONDS, performance.now() - began));
      }
    } finally {
      this.#isBusy = false;
    }
  }
}
