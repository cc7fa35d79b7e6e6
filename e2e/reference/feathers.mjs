// Profile feathers on Feathers itself: what its server does is what its client expects.
import { feathers } from "@feathersjs/feathers";
import configureSocketio from "@feathersjs/socketio";
import feathersErrors from "@feathersjs/errors";

const { BadRequest, NotFound } = feathersErrors;

/** The service messages. Feathers calls its methods on another object, which is why nothing here is this. */
function messages() {
  const byId = new Map();
  let last = 0;
  const known = (id) => {
    const one = byId.get(Number(id));
    if (!one) throw new NotFound(`No record found for id '${id}'`);
    return one;
  };
  const put = (id, data) => byId.set(id, { ...data, id }).get(id);
  const add = (data) => {
    if (data.text === undefined) throw new BadRequest("text is needed", { field: "text" });
    return put(++last, data);
  };
  return {
    async find({ query: { $limit = Infinity, ...wanted } }) {
      const pairs = Object.entries(wanted);
      return [...byId.values()].filter((one) => pairs.every(([key, value]) => one[key] === value)).slice(0, $limit);
    },
    get: async (id) => known(id),
    create: async (data) => Array.isArray(data) ? data.map(add) : add(data),
    update: async (id, data) => put(known(id).id, data),
    patch: async (id, data) => put(known(id).id, { ...known(id), ...data }),
    async remove(id) {
      const one = known(id);
      byId.delete(one.id);
      return one;
    },
    archive: async ({ ids }, { query: { reason } }) => ({ archived: ids, reason }),
  };
}

/** Profile feathers: services in memory, and every service event to everybody. */
export function feathersProfile(http) {
  const app = feathers();
  app.configure(configureSocketio({ allowEIO3: true, cors: { origin: "*" } }));
  app.use("messages", messages(), { methods: ["find", "get", "create", "update", "patch", "remove", "archive"] });
  app.use("rooms/lobby/members", { find: async () => [] });
  app.on("connection", (connection) => app.channel("everybody").join(connection));
  app.publish(() => app.channel("everybody"));
  const ready = app.setup(http);
  return { close: () => ready.then(() => app.io.close()) };
}
