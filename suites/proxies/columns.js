// The columns of the proxies' table.

import { CAPABILITIES } from '../clients/capabilities.js';

/** What a page sees: the same as the clients' suite asks. */
export const SEEN = ['end', 'error', 'cut', 'first failure', 'last words', 'keep-alive'];

export const COLUMNS = {
  head: 'head', time: 'on time', whole: 'clean end', broken: 'break', gone: 'client gone', long: 'more than 15 s',
  ...Object.fromEntries(SEEN.map((name) => [name, `page: ${CAPABILITIES[name].title}`])),
};
