import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Starts a program that must be told its port, on a free one. Another process may take the port before the program
 * does; it is then started again on another port.
 */
export async function onFreePort(start, attempts = 5) {
  try {
    return await start(await freePort());
  } catch (error) {
    if (attempts === 1) throw error;
    return onFreePort(start, attempts - 1);
  }
}

async function freePort() {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
