/** Of the reference's page. Colours and measures are those of the web app (`ui/src/theme.css`, tested). */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f3f4f6, #101216);
  --surface: light-dark(#ffffff, #15181d);
  --sunken: light-dark(#eceef1, #0c0e11);
  --hover: light-dark(#eef1f6, #22272f);
  --line: light-dark(#e0e3e8, #272c34);
  --line-strong: light-dark(#c6cbd3, #3a414c);
  --ink: light-dark(#191b1f, #eceef1);
  --ink-soft: light-dark(#565d68, #a3abb8);
  --accent: light-dark(#2158c9, #7fabff);
  --accent-ground: light-dark(#e7eefc, #1b2a47);
  --chart-line: light-dark(#2f6fdf, #6c9dff);
  --warn: light-dark(#7a4d00, #f0bd68);
  --warn-ground: light-dark(#fdf3dd, #2f2512);
  --error: light-dark(#ad1f2d, #ff8f96);
  --error-ground: light-dark(#fdecee, #34171b);
  --font: system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  --size: 13px;
  --size-small: 12px;
  --radius: 6px;
}
* { box-sizing: border-box; }
html { scroll-padding-top: 60px; }
body { margin: 0; background: var(--ground); color: var(--ink); font: var(--size) / 1.5 var(--font); }
h1, h2, h3, h4, p, ul, dl, dd { margin: 0; padding: 0; font-size: inherit; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
code, pre { font-family: var(--mono); font-size: 0.93em; overflow-wrap: anywhere; }
header {
  position: sticky; top: 0; z-index: 1; display: flex; align-items: center; gap: 8px 16px;
  height: 47px; padding: 0 12px; border-bottom: 1px solid var(--line); background: var(--surface);
}
header h1 { font-weight: 400; color: var(--ink-soft); }
header a:last-child { margin-left: auto; }
.brand { display: flex; align-items: center; gap: 7px; color: var(--ink); font-size: 15px; font-weight: 650; letter-spacing: -0.01em; }
.brand:hover { text-decoration: none; }
.flame { fill: var(--chart-line); }
.core { fill: #ffb454; }
.page { display: grid; grid-template-columns: 350px minmax(0, 1fr); }
nav {
  position: sticky; top: 47px; height: calc(100vh - 47px); padding: 12px; overflow-y: auto;
  border-right: 1px solid var(--line); background: var(--surface);
}
nav h2 { margin: 12px 0 4px; font-weight: 600; }
nav h2:first-child { margin-top: 0; }
nav ul { list-style: none; }
nav li a { display: flex; gap: 8px; padding: 2px 6px; border-radius: var(--radius); color: var(--ink); font-size: var(--size-small); }
nav li a:hover { background: var(--hover); text-decoration: none; }
main { max-width: 1000px; padding: 16px 24px 48px; }
main > section > h2 { margin: 28px 0 2px; font-size: 18px; font-weight: 650; }
main > section:first-of-type > h2 { margin-top: 12px; }
.soft { color: var(--ink-soft); }
article { margin-top: 12px; padding: 14px 16px; border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface); }
article:target { border-color: var(--accent); }
article h3 { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; font-weight: 600; }
article h3 a { color: inherit; }
article h4 { margin: 12px 0 4px; font-size: var(--size-small); font-weight: 600; color: var(--ink-soft); }
article > p { margin-top: 6px; }
.method { flex: none; align-self: flex-start; width: 52px; border-radius: 4px; background: var(--accent-ground); color: var(--accent); font: 600 11px / 18px var(--mono); text-align: center; }
.method.post { background: var(--warn-ground); color: var(--warn); }
.method.delete { background: var(--error-ground); color: var(--error); }
dl { display: grid; grid-template-columns: minmax(120px, max-content) minmax(0, 1fr); }
dt, dd { padding: 5px 0; border-top: 1px solid var(--line); }
dt { padding-right: 20px; }
dt span { display: block; color: var(--ink-soft); font-size: var(--size-small); }
.facts { margin-right: 6px; color: var(--ink-soft); }
pre { margin: 6px 0 0; padding: 10px 12px; border-radius: var(--radius); background: var(--sunken); white-space: pre-wrap; }
pre code { font-size: inherit; }
pre i { color: var(--ink-soft); font-style: normal; }
@media (max-width: 820px) {
  .page { display: block; }
  nav { position: static; height: auto; max-height: 40vh; border-right: 0; border-bottom: 1px solid var(--line); }
  main { padding: 8px 12px 32px; }
  article { padding: 12px; }
  dl { display: block; }
  dt { padding-bottom: 0; }
  dt span { display: inline; margin-left: 8px; }
  dd { padding-top: 2px; border-top: 0; }
}
`;
