// Where each shot of a story stands in the strip: its column is its depth, its lane the branch that it is on. No page in here.

/**
 * Shots by number → the same shots with `column` and `lane`, and how many of both there are.
 * A shot goes on in its parent's lane; the one on the canon first. Every other child begins a line of its own in the
 * nearest lane below where that line has room.
 */
export function layout(shots) {
  const known = new Set(shots.map((shot) => shot.code));
  const canonFirst = (a, b) => Number(b.on_canon) - Number(a.on_canon) || a.number - b.number;
  const children = new Map();
  for (const shot of [...shots].sort(canonFirst)) {
    const parent = known.has(shot.parent) ? shot.parent : null;
    children.set(parent, [...(children.get(parent) ?? []), shot]);
  }
  const nodes = [];
  const taken = []; // per lane: the columns that lines take, as [first, last]
  const lines = (children.get(null) ?? []).map((shot) => ({ shot, column: 0, above: -1 }));
  while (lines.length) {
    const { shot, column, above } = lines.shift();
    const line = [shot];
    while (children.has(line.at(-1).code)) line.push(children.get(line.at(-1).code)[0]);
    const last = column + line.length - 1;
    let lane = above + 1;
    while (taken[lane]?.some(([from, to]) => from <= last && column <= to)) lane += 1;
    (taken[lane] ??= []).push([column, last]);
    const branches = line.flatMap((each, at) => {
      nodes.push({ shot: each, column: column + at, lane });
      return (children.get(each.code) ?? []).slice(1).map((child) => ({ shot: child, column: column + at + 1, above: lane }));
    });
    lines.unshift(...branches.reverse()); // the last branch lies nearest, so that lines seldom cross
  }
  const count = (each) => Math.max(0, ...nodes.map(each)) + (nodes.length ? 1 : 0);
  return { nodes, lanes: count(({ lane }) => lane), columns: count(({ column }) => column) };
}

/** The shot at the end of the canon; null where there is none. */
export function tipOf(shots) {
  const parents = new Set(shots.filter((shot) => shot.on_canon).map((shot) => shot.parent));
  return shots.findLast((shot) => shot.on_canon && !parents.has(shot.code)) ?? null;
}

const RUNNING = new Set(['submitting', 'rendering', 'saving']);

/** How a shot stands, in one word: `ready`, `running`, `waiting`, `failed` or `none`. */
export function standing(shot) {
  const state = shot.job?.state;
  if (RUNNING.has(state)) return 'running';
  if (state === 'queued' || state === 'asking') return 'waiting';
  if (shot.clip) return 'ready';
  return state === 'failed' || state === 'unconfirmed' || state === 'cancelled' ? 'failed' : 'none';
}
