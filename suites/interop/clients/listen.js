/** Reports every event of these types as a line of JSON, up to one of type `end`. */
export function listen(EventSource) {
  const [url, types] = process.argv.slice(2);
  const source = new EventSource(url);
  for (const type of JSON.parse(types)) {
    source.addEventListener(type, (event) => {
      // An `error` without data is no event of the server.
      if (event.data === undefined) return;
      const { data, lastEventId } = event;
      console.log(JSON.stringify({ type, data, lastEventId }));
      if (type === 'end') source.close();
    });
  }
}
