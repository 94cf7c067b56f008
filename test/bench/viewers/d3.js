// d3-flame-graph as its README sets it up, root on top; cells below a pixel are left out, without which
// 100,000 frames take it nine seconds.
import './node_modules/d3-flame-graph/dist/d3-flamegraph.css';
import flamegraph from 'd3-flame-graph';
import { select } from 'd3-selection';

const root = document.getElementById('root');
const search = document.createElement('input');
search.placeholder = 'Search...';
const host = document.createElement('div');
root.append(search, host);
const profile = await (await fetch(new URLSearchParams(location.search).get('profile'))).json();
const chart = flamegraph().width(1580).cellHeight(18).inverted(true).minFrameSize(1);
select(host).datum(profile).call(chart);
search.addEventListener('input', () => chart.search(search.value));
