// A reporter for node's test runner: one line, `N passed, N failed`, from the runner's own summary. `run` prints it last,
// for scripts that add up the counts of several languages. Cancelled tests count as failed.

const COUNT = /^(pass|fail|cancelled) (\d+)$/;

export default async function* closingLine(events) {
  const counts = { pass: 0, fail: 0, cancelled: 0 };
  for await (const { type, data } of events) {
    const found = type === 'test:diagnostic' && COUNT.exec(data.message);
    if (found) counts[found[1]] = Number(found[2]);
  }
  yield `${counts.pass} passed, ${counts.fail + counts.cancelled} failed\n`;
}
