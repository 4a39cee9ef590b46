// memo keeps the last result for each answer of the server. An answer is never changed, so a result
// holds until another answer comes. more is a further argument, a string.

export function memo(compute) {
  const kept = new WeakMap();
  return (answer, more = "") => {
    const last = kept.get(answer);
    if (last && last.more === more) return last.result;
    const result = compute(answer, more);
    kept.set(answer, { more, result });
    return result;
  };
}
