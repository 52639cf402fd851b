// The proxies: each before one server, on one port. `config` gives its files, by name, and `command` what is
// run with them; `h2` are those that speak HTTP/2 to the client, over TLS.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const BIN = `${process.env.VENV ?? here('../../target/zoo/venv/proxies')}/bin`;

function nginx({ h2, http = '', location = '' } = {}) {
  return {
    version: () => said('nginx', '-v'),
    config: ({ upstream, port, dir, key, cert }) => ({
      'nginx.conf': `
        daemon off; master_process off; pid ${dir}/pid; error_log stderr crit; events {}
        http {
          access_log off; ${http}
          ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/${name};`).join(' ')}
          server {
            listen 127.0.0.1:${port} ${h2 ? 'ssl http2' : ''};
            ${h2 ? `ssl_certificate ${cert}; ssl_certificate_key ${key};` : ''}
            location / { ${location} proxy_pass http://${upstream}; }
          }
        }`,
    }),
    command: ({ dir }) => ['nginx', '-p', dir, '-e', 'stderr', '-c', `${dir}/nginx.conf`],
    h2,
  };
}

const APACHE = '/usr/lib/apache2/modules';

function apache({ h2, more = '' } = {}) {
  const modules = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'deflate', 'filter', ...(h2 ? ['ssl', 'http2'] : [])];
  return {
    version: () => said('apache2', '-v'),
    config: ({ upstream, port, dir, key, cert }) => ({
      'apache.conf': `
        ServerRoot ${dir}
        DefaultRuntimeDir ${dir}
        PidFile ${dir}/pid
        ServerName localhost
        ErrorLog /dev/null
        Listen 127.0.0.1:${port}
        ${modules.map((name) => `LoadModule ${name}_module ${APACHE}/mod_${name}.so`).join('\n')}
        ${h2 ? `SSLEngine on\nSSLCertificateFile ${cert}\nSSLCertificateKeyFile ${key}\nProtocols h2 http/1.1` : ''}
        ${more}
        ProxyPass / http://${upstream}/`,
    }),
    command: ({ dir }) => ['apache2', '-d', dir, '-f', `${dir}/apache.conf`, '-DFOREGROUND'],
    h2,
  };
}

function haproxy({ h2 } = {}) {
  return {
    version: () => said('haproxy', '-v'),
    config: ({ upstream, port, dir, key, cert }) => ({
      'both.pem': h2 ? readFileSync(cert, 'utf8') + readFileSync(key, 'utf8') : '',
      'haproxy.cfg': `
global
    maxconn 200
defaults
    mode http
    timeout connect 5s
    timeout client 1m
    timeout server 1m
frontend front
    bind 127.0.0.1:${port} ${h2 ? `ssl crt ${dir}/both.pem alpn h2,http/1.1` : ''}
    default_backend back
backend back
    server one ${upstream}
`,
    }),
    command: ({ dir }) => ['haproxy', '-db', '-f', `${dir}/haproxy.cfg`],
    h2,
  };
}

function caddy({ h2, encode = '' } = {}) {
  return {
    version: () => said(`${BIN}/caddy`, 'version'),
    config: ({ upstream, port, key, cert }) => ({
      Caddyfile: `
{
	admin off
	auto_https off
	persist_config off
	log {
		level ERROR
	}
}
${h2 ? 'https' : 'http'}://127.0.0.1:${port} {
	bind 127.0.0.1
	${h2 ? `tls ${cert} ${key}` : ''}
	${encode}
	reverse_proxy ${upstream}
}
`,
    }),
    command: ({ dir }) => [`${BIN}/caddy`, 'run', '--adapter', 'caddyfile', '--config', `${dir}/Caddyfile`],
    env: ({ dir }) => ({ HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir }),
    h2,
  };
}

function varnish({ pass } = {}) {
  return {
    version: () => said('varnishd', '-V'),
    config: ({ upstream }) => ({
      'default.vcl': `
        vcl 4.1;
        backend default { .host = "127.0.0.1"; .port = "${upstream.split(':')[1]}"; }
        ${pass ? 'sub vcl_recv { return (pass); }' : ''}`,
    }),
    command: ({ dir, port }) => ['varnishd', '-F', '-a', `127.0.0.1:${port}`, '-f', `${dir}/default.vcl`, '-n', `${dir}/n`, '-s', 'malloc,16m', '-T', 'none'],
  };
}

function lighttpd({ more = '' } = {}) {
  return {
    version: () => said('lighttpd', '-v'),
    config: ({ upstream, port, dir }) => ({
      'lighttpd.conf': `
        server.document-root = "${dir}"
        server.bind = "127.0.0.1"
        server.port = ${port}
        server.modules = ("mod_proxy")
        server.upload-dirs = ("${dir}")
        ${more}
        proxy.server = ("" => (("host" => "127.0.0.1", "port" => ${upstream.split(':')[1]})))`,
    }),
    command: ({ dir }) => ['lighttpd', '-D', '-f', `${dir}/lighttpd.conf`],
  };
}

function traefik({ compress } = {}) {
  return {
    version: () => said(`${BIN}/traefik`, 'version'),
    config: ({ upstream, port, dir }) => ({
      'traefik.yml': `
global: { checkNewVersion: false, sendAnonymousUsage: false }
log: { level: FATAL }
entryPoints: { web: { address: "127.0.0.1:${port}" } }
providers: { file: { filename: ${dir}/routes.yml } }
`,
      'routes.yml': `
http:
  routers: { all: { rule: "PathPrefix(\`/\`)", service: one ${compress ? ', middlewares: [compress]' : ''} } }
  ${compress ? 'middlewares: { compress: { compress: {} } }' : ''}
  services: { one: { loadBalancer: { servers: [{ url: "http://${upstream}" }] } } }
`,
    }),
    command: ({ dir }) => [`${BIN}/traefik`, `--configFile=${dir}/traefik.yml`],
    env: ({ dir }) => ({ HOME: dir }),
  };
}

function envoy({ timeout } = {}) {
  return {
    version: () => said(`${BIN}/envoy`, '--version'),
    config: ({ upstream, port }) => {
      const address = (port) => `{ socket_address: { address: 127.0.0.1, port_value: ${port} } }`;
      return {
        'envoy.yaml': `
static_resources:
  listeners:
  - address: ${address(port)}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
          route_config:
            virtual_hosts:
            - { name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: one ${timeout ? `, timeout: ${timeout}` : ''} } }] }
  clusters:
  - name: one
    connect_timeout: 1s
    load_assignment: { cluster_name: one, endpoints: [{ lb_endpoints: [{ endpoint: { address: ${address(upstream.split(':')[1])} } }] }] }
`,
      };
    },
    command: ({ dir }) => [`${BIN}/envoy`, '-c', `${dir}/envoy.yaml`, '--log-level', 'off', '--concurrency', '1', '--disable-hot-restart'],
  };
}

/** A program of this folder, with the name of the package that it takes. */
function ofNode(program, name) {
  return {
    version: () => JSON.parse(readFileSync(here('package-lock.json'))).packages[`node_modules/${name}`].version,
    config: () => ({}),
    command: ({ upstream, port }) => ['node', here(`node/${program}.js`), name, `http://${upstream}`, port],
  };
}

const HTTP11 = 'proxy_http_version 1.1; proxy_set_header Connection "";';

export const PROXIES = {
  nginx: nginx(),
  'nginx, HTTP/1.1': nginx({ location: HTTP11 }),
  'nginx, HTTP/1.1, gzip': nginx({ location: HTTP11, http: 'gzip on; gzip_types *; gzip_proxied any;' }),
  'nginx, HTTP/1.1, h2': nginx({ h2: true, location: HTTP11 }),
  Apache: apache(),
  'Apache, deflate': apache({ more: 'SetOutputFilter DEFLATE' }),
  'Apache, h2': apache({ h2: true }),
  HAProxy: haproxy(),
  'HAProxy, h2': haproxy({ h2: true }),
  Caddy: caddy(),
  'Caddy, encode': caddy({ encode: 'encode zstd gzip' }),
  'Caddy, h2': caddy({ h2: true }),
  Varnish: varnish(),
  'Varnish, pass': varnish({ pass: true }),
  lighttpd: lighttpd(),
  'lighttpd, streaming': lighttpd({ more: 'server.stream-response-body = 1' }),
  Traefik: traefik(),
  'Traefik, compress': traefik({ compress: true }),
  Envoy: envoy(),
  'Envoy, timeout 0s': envoy({ timeout: '0s' }),
  'Vite 8': { ...ofNode('vite', 'vite'), browsers: ['chromium', 'firefox'] },
  'Vite 6': { ...ofNode('vite', 'vite-6'), browsers: ['chromium', 'firefox'] },
  'webpack-dev-server 5': ofNode('webpack', 'webpack-dev-server'),
  'http-proxy-middleware 4': ofNode('middleware', 'http-proxy-middleware'),
  'http-proxy-middleware 3': ofNode('middleware', 'http-proxy-middleware-3'),
};

/** A program's version, as it says it. */
function said(program, argument) {
  const { stdout, stderr } = run(program, argument);
  return `${stdout}${stderr}`.match(/\d+\.\d+(\.\d+)?/)?.[0] ?? 'unknown';
}

function run(program, argument) {
  try {
    // Some say it on standard error.
    return { stdout: execFileSync('sh', ['-c', '"$0" "$1" 2>&1', program, argument], { encoding: 'utf8', timeout: 10_000 }), stderr: '' };
  } catch (error) {
    return { stdout: '', stderr: String(error.stderr ?? '') };
  }
}
