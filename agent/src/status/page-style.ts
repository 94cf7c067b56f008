/** Of the status page. Colours and measures are those of the web app. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f3f4f6, #101216);
  --surface: light-dark(#ffffff, #15181d);
  --sunken: light-dark(#eceef1, #0c0e11);
  --line: light-dark(#e0e3e8, #272c34);
  --ink: light-dark(#191b1f, #eceef1);
  --ink-soft: light-dark(#565d68, #a3abb8);
  --accent: light-dark(#2158c9, #7fabff);
  --chart: light-dark(#2f6fdf, #6c9dff);
  --warn: light-dark(#7a4d00, #f0bd68);
  --error: light-dark(#ad1f2d, #ff8f96);
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 13px / 1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
}
header {
  display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 14px; padding: 12px 24px;
  border-bottom: 1px solid var(--line); background: var(--surface);
}
h1 { margin: 0; font-size: 15px; font-weight: 650; letter-spacing: -0.01em; }
h2 { margin: 0 0 8px; font-size: 14px; font-weight: 650; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
header nav { display: flex; gap: 14px; margin-left: auto; }
main {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr));
  gap: 14px; align-items: start; max-width: 1240px; margin: 0 auto; padding: 16px 24px 40px;
}
section {
  padding: 14px 16px; border: 1px solid var(--line); border-radius: 6px; background: var(--surface);
  overflow-x: auto;
}
.wide { grid-column: 1 / -1; }
.stack { display: grid; gap: 14px; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 4px 0; text-align: left; font-weight: 400; vertical-align: baseline; }
tr + tr > *, tbody + tbody > tr > *, thead + tbody > tr > * { border-top: 1px solid var(--line); }
th + th, td + td, th + td { padding-left: 16px; }
thead th { color: var(--ink-soft); font-size: 12px; }
tr.sum > * { font-weight: 650; }
tr.part > th { padding-left: 16px; color: var(--ink-soft); }
tr.rule > * { color: var(--ink-soft); }
tr.rule > th { padding-left: 32px; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.soft { color: var(--ink-soft); }
.warn { color: var(--warn); }
.error { color: var(--error); }
.name { min-width: 130px; overflow-wrap: anywhere; }
.bar { display: block; width: 100%; min-width: 60px; height: 6px; margin-top: 2px; border-radius: 3px; background: var(--sunken); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--chart); }
.bar.warn i { background: var(--warn); }
p { margin: 8px 0 0; }
`;
