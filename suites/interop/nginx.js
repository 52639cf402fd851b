import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { get1 } from './http.js';
import { onFreePort } from './port.js';
import { start } from './servers.js';
import { until } from './time.js';

/**
 * nginx with each server below `/KIND/NAME/`, for each kind with its directives: `{ plain: '' }` is
 * nginx with its defaults. With `keepalive` it keeps that many connections to each server.
 */
export function startNginx(servers, directory, kinds, { keepalive } = {}) {
  return onFreePort((port) => startOn(port, servers, directory, kinds, keepalive));
}

async function startOn(port, servers, directory, kinds, keepalive) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const upstream = ({ name, url }) =>
    `upstream ${name} { server ${new URL(url).host}; ${keepalive ? `keepalive ${keepalive};` : ''} }`;
  const location = (kind, directives, { name }) =>
    `location /${kind}/${name}/ { ${directives} proxy_pass http://${name}/; }`;
  const config = join(directory, `nginx-${port}.conf`);
  await writeFile(config, `
    daemon off;
    master_process off;
    pid ${directory}/nginx-${port}.pid;
    error_log stderr crit;
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${directory}/nginx-${name};`).join('\n')}
      ${servers.map(upstream).join('\n')}
      server {
        listen 127.0.0.1:${port};
        location = /up { return 204; }
        ${Object.entries(kinds).flatMap(([kind, directives]) => servers.map((server) => location(kind, directives, server))).join('\n')}
      }
    }
  `);
  const child = start('nginx', ['-p', directory, '-e', 'stderr', '-c', config]);
  const url = `http://127.0.0.1:${port}`;
  await until(5_000, 'nginx', () => {
    if (child.exitCode !== null) throw new Error(`nginx ended with status ${child.exitCode}`);
    return get1(`${url}/up`).then((response) => response.leave() ?? true, () => false);
  });
  return {
    url,
    async stop() {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    },
  };
}
