// A directory in memory on scimmy and express: it says its port, and ends with its standard input.
// node server.mjs TOKEN [pages]: without `pages` express 5 hands over startIndex and count as text, which scimmy ignores.
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const token = process.argv[2];

function declare(Resource, name) {
    const kept = new Map();
    let serial = 0;
    const found = (id) => {
        if (!kept.has(id)) throw new SCIMMY.Types.Error(404, null, `there is no ${id}`);
        return kept.get(id);
    };
    SCIMMY.Resources.declare(Resource, {
        egress: (resource) => {
            if (resource.id) return found(resource.id);
            return resource.filter ? resource.filter.match([...kept.values()]) : [...kept.values()];
        },
        ingress: (resource, instance) => {
            const before = resource.id ? found(resource.id) : null;
            const called = (one) => String(one[name]).toLowerCase();
            for (const one of kept.values()) {
                if (one.id !== resource.id && called(one) === called(instance)) {
                    throw new SCIMMY.Types.Error(409, "uniqueness", `${instance[name]} is taken`);
                }
            }
            const now = new Date();
            const id = before ? before.id : `${name}-${(serial += 1)}`;
            const meta = { created: before ? before.meta.created : now, lastModified: now };
            const one = { ...JSON.parse(JSON.stringify(instance)), id, meta };
            kept.set(id, one);
            return one;
        },
        degress: (resource) => {
            found(resource.id);
            kept.delete(resource.id);
        },
    });
}

const { Attribute, Schema, SchemaDefinition } = SCIMMY.Types;
const attributes = { badge: "string", level: "integer", weight: "decimal", trusted: "boolean", since: "dateTime" };
class Badge extends Schema {
    static definition = new SchemaDefinition("Badge", "urn:ietf:params:scim:schemas:extension:acme:2.0:User", "", [
        ...Object.entries(attributes).map(([name, type]) => new Attribute(type, name, { caseExact: true })),
        new Attribute("string", "tags", { multiValued: true, caseExact: true }),
    ]);
    constructor(resource, direction = "both", basepath, filters) {
        super(resource, direction);
        Object.assign(this, Badge.definition.coerce(resource, direction, basepath, filters));
    }
}
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
SCIMMY.Resources.User.extend(Badge, false);
declare(SCIMMY.Resources.User, "userName");
declare(SCIMMY.Resources.Group, "displayName");

const handler = (request) => {
    if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("who are you?");
    return "client";
};
const app = express();
const pages = (request, response, next) => {
    const query = { ...request.query };
    for (const name of ["startIndex", "count"]) if (name in query) query[name] = Number(query[name]);
    Object.defineProperty(request, "query", { value: query });
    next();
};
app.use("/scim", ...(process.argv[3] === "pages" ? [pages] : []), new SCIMMYRouters({ type: "bearer", handler }));
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
