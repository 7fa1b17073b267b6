// The Explore page as a Streamlit component: the view survives as long as the model and the role stay the same.

import { component } from './base/mounting.js';
import { readAddress } from './explore/place.js';
import { ExploreView } from './explore/view.js';

/** `data`: {"model": id, "role": "presenter" | "viewer"}. */
export default component({
  styles: ['explore.css'],
  shows: ({ model, role }) => [model, role],
  make: (element, { model, role }, open) => {
    const address = readAddress(location.search);
    const start = address.model === model ? address : readAddress(''); // that of another model says nothing
    return new ExploreView(element, { id: model, role, start, open });
  },
  value: (id) => ({ model: id }),
  move: (address, id) => {
    address.search = id ? `${new URLSearchParams({ model: id })}` : '';
  },
});
