// @grafana/ui expects the default export that bundlers before Vite 8 made of this CommonJS module.
import scrollbars from './node_modules/react-custom-scrollbars-2/lib/index.js';

export const { Scrollbars } = scrollbars;
export default Scrollbars;
