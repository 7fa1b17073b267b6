/** What the tests read of the view on show. */
interface Window {
  __ganscope?: import('./live/view.js').LiveView['stats'];
  __ganscope_explore?: import('./explore/view.js').ExploreView['stats'];
}
