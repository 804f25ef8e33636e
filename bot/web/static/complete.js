// What a half-typed command may become. Pure: a text, a caret and the tables in; a list of whole tokens out.

const MOST = 12;
const CODE = /^[a-z]?\d{0,9}(-f?\d{0,6})?$/i;
const TAKES_CODES = new Set(['codes', 'code and word', 'any code', 'shot and prompt']);

/**
 * `{from, to, items, isEager}` where `items` are `{label, detail, insert}` for text[from:to]; null: nothing fits.
 * `isEager`: the first item is what Enter takes. Else it takes an arrow key or Tab to choose one.
 */
export function complete(text, caret, commands, codes) {
  const before = text.slice(0, caret);
  if (!before.startsWith('/') || before.includes('\n')) return null;
  const from = before.search(/\S*$/);
  const token = before.slice(from);
  const found = (items, isEager) => (items.length ? { from, to: caret, items: items.slice(0, MOST), isEager } : null);
  if (from === 0) return found(names(token.slice(1).toLowerCase(), commands), true);
  const words = before.slice(0, from).trim().split(/\s+/);
  const command = commands.find(({ name }) => `/${name}` === words[0].toLowerCase());
  if (!command) return null;
  const assigned = token.match(/^--([a-z-]+)=(\S*)$/i);
  if (assigned) return found(values(command, assigned[1], assigned[2], (name, value) => `--${name}=${value} `), true);
  if (token.startsWith('--')) return found(options(command, token.slice(2).toLowerCase(), words), true);
  const last = words.at(-1);
  if (last.startsWith('--') && !last.includes('=')) return found(values(command, last.slice(2), token, (_, value) => `${value} `), true);
  return found(shots(command, token, words, codes), false);
}

function names(typed, commands) {
  const starts = commands.filter(({ name }) => name.startsWith(typed));
  const holds = typed.length > 1 ? commands.filter(({ name }) => !name.startsWith(typed) && name.includes(typed)) : [];
  return [...starts, ...holds].map(({ name, usage, help }) => ({ label: `/${name}`, usage, detail: help, insert: `/${name}${usage ? ' ' : ''}` }));
}

function options(command, typed, words) {
  const used = new Set(words.map((word) => word.replace(/^--/, '').split('=')[0]));
  return command.options
    .filter(({ name }) => name.startsWith(typed) && !used.has(name))
    .map(({ name, help, choices }) => ({ label: `--${name}`, usage: choices.join(' | '), detail: help, insert: `--${name} ` }));
}

function values(command, name, typed, insert) {
  const option = command.options.find((each) => each.name === name.toLowerCase());
  return (option?.choices ?? []).filter((value) => value.startsWith(typed)).map((value) => ({ label: value, detail: option.help, insert: insert(name, value) }));
}

function shots(command, token, words, codes) {
  if (!TAKES_CODES.has(command.follows) || !CODE.test(token)) return [];
  const isFirst = words.length === 1;
  if (!isFirst && command.follows !== 'codes') return [];
  if (command.follows === 'shot and prompt' && !token) return []; // most people go on from the end
  if (command.name === 'history') return [];
  const typed = token.toLowerCase();
  return codes
    .filter(({ code }) => code.startsWith(typed) && code !== typed && !words.includes(code))
    .map(({ code, about }) => ({ label: code, detail: about, insert: `${code} ` }));
}
