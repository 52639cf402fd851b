// undici's EventSource, which is also the one built into Node.js: node undici.js URL TYPES
import { EventSource } from 'undici';
import { listen } from './listen.js';

listen(EventSource);
