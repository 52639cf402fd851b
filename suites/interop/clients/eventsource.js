// npm `eventsource`: node eventsource.js URL TYPES
import { EventSource } from 'eventsource';
import { listen } from './listen.js';

listen(EventSource);
