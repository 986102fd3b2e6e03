//! How the pages look, in light and dark.

/// The style sheet.
pub(super) const CSS: &str = r"
:root { color-scheme: light dark; --ink: light-dark(#1c2330, #e6e9ef); --soft: light-dark(#5b6474, #9aa4b5);
  --paper: light-dark(#f6f7f9, #14171d); --card: light-dark(#fff, #1c2129); --line: light-dark(#dfe3ea, #313846);
  --link: light-dark(#1f5fc0, #8ab4ff); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
header { display: flex; gap: .75rem; align-items: baseline; padding: .8rem 1.5rem; border-bottom: 1px solid var(--line);
  background: var(--card); }
.brand { font-weight: 700; color: inherit; text-decoration: none; }
.hint, .meta, .empty, dt, .id { color: var(--soft); }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem; overflow-wrap: anywhere; }
h2, summary { font-size: 1.1rem; font-weight: 600; margin: 2rem 0 .75rem; }
a { color: var(--link); }
p.id { margin: 0; }
.id { font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; background: var(--card); border: 1px solid var(--line); }
.tickets a { color: inherit; text-decoration: none; }
.tickets a:hover { text-decoration: underline; }
th, td { text-align: left; padding: .5rem .75rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-size: .85rem; font-weight: 600; color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 1rem 0; }
dd { margin: 0; }
.description, article { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .25rem 1.25rem; margin: .75rem 0; overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .75rem; background: var(--paper); border-radius: .35rem; }
code { font: .9em ui-monospace, monospace; }
.badge, .label, .priority, .count { display: inline-block; padding: 0 .55rem; border-radius: 1rem; font-size: .85rem;
  border: 1px solid var(--line); }
.count { margin-left: .5rem; color: var(--soft); }
.badge { border-color: transparent; color: #fff; background: #5b6474; white-space: nowrap; }
.badge.progress { background: #1f5fc0; } .badge.done { background: #1a7f45; } .badge.blocked { background: #b3321f; }
.badge.cancelled { background: #6d4a8f; }
form label { display: block; margin: .75rem 0; color: var(--soft); font-size: .9rem; }
input, textarea, select { display: block; width: 100%; font: inherit; font-size: 1rem; color: var(--ink); background: var(--card);
  border: 1px solid var(--line); border-radius: .35rem; padding: .4rem .6rem; }
button { font: inherit; font-weight: 600; padding: .5rem 1.5rem; border: 0; border-radius: .5rem; color: #fff;
  background: #1f5fc0; }
.priority.high, .bad { color: light-dark(#b3321f, #ff9d8c); }
";
