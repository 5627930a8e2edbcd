"""PATCH (RFC 7644 section 3.5.2): its operations, applied in their order to a draft of a resource's values.

A path leads to a place: a container (the resource, an extension, one complex value) and an attribute
in it. What an operation does there follows from the attribute: one value, several, or parts.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, cast

from reconciler.sandbox.scim.answers import Refusal, Row, json_object, reject
from reconciler.sandbox.scim.envelope import Op, Operation
from reconciler.sandbox.scim.filters import AttributePath, Compare, Path
from reconciler.sandbox.scim.matching import Case, as_value, value_test
from reconciler.sandbox.scim.schemas import Attribute, ResourceType, Schema
from reconciler.sandbox.scim.switches import Switches
from reconciler.sandbox.scim.values import check_primary, taken, unknown

Values = dict[str, Any]


class Draft:
    """The values of a resource as a PATCH would leave them; thrown away where any part is refused."""

    def __init__(self, kind: ResourceType, values: Values, switches: Switches, exact: Case) -> None:
        self.values = values
        self._kind = kind
        self._switches = switches
        self._exact = exact

    def apply(self, operation: Operation) -> None:
        """Take one operation over."""
        if operation.path is None:
            self._merge(operation.op, json_object(operation.value, "value"))
        elif (schema := self._schema(operation.path)) is not None:
            self._whole_schema(operation, schema)
        else:
            self._at(operation, operation.path)
        for extension in self._kind.extensions:
            if self.values.get(extension.schema.urn) == {}:
                del self.values[extension.schema.urn]

    def _schema(self, path: Path) -> Schema | None:
        """The extension that a path names as a whole."""
        named = f"{path.attribute.urn}:{path.attribute.name}"
        return None if path.attribute.sub or path.filter else self._kind.extension(named)

    def _whole_schema(self, operation: Operation, schema: Schema) -> None:
        if operation.op == "remove":
            self.values.pop(schema.urn, None)
        else:
            self._merge_into(operation.op, schema, json_object(operation.value, "value"))

    def _merge(self, op: Op, fields: Row) -> None:
        for name, value in fields.items():
            extension = self._kind.extension(name)
            attribute = self._kind.by_name.get(name.lower())
            if extension is not None:
                self._merge_into(op, extension, json_object(value, extension.urn))
            elif attribute is None:
                unknown(name, self._switches)
            elif attribute.name != "schemas":
                self._act(op, self.values, attribute, value)

    def _merge_into(self, op: Op, schema: Schema, fields: Row) -> None:
        container = self.values.setdefault(schema.urn, {})
        for name, value in fields.items():
            attribute = schema.find(name)
            if name.lower() == "schemas":
                continue  # Some clients send it in an extension, too.
            if attribute is None:
                unknown(f"{schema.urn}:{name}", self._switches)
            else:
                self._act(op, container, attribute, value)

    def _at(self, operation: Operation, path: Path) -> None:
        found = self._place(path.attribute)
        if found is None:
            if self._switches.unknown_attributes == "refused":
                reject("invalidPath", f"{operation.text}: there is no such attribute")
            return
        container, attribute = found
        if path.filter is not None:
            self._matching(operation, container, attribute, path)
        elif path.attribute.sub:
            self._part(operation, container, attribute, path.attribute.sub)
        else:
            value = operation.value
            if operation.op == "remove" and value and attribute.many and self._switches.removes_by_value:
                self._remove_values(container, attribute, value)
            else:
                self._act(operation.op, container, attribute, value)

    def _place(self, path: AttributePath) -> tuple[Values, Attribute] | None:
        schema = self._kind.schema(path.urn) if path.urn else None
        if path.urn and schema is None:
            return None
        attribute = self._kind.attribute(schema, path.name)
        if attribute is None or (path.sub and attribute.sub(path.sub) is None):
            return None
        if schema is None or schema is self._kind.core:
            return self.values, attribute
        return self.values.setdefault(schema.urn, {}), attribute

    def _part(self, operation: Operation, container: Values, attribute: Attribute, name: str) -> None:
        """``attribute.name``: of its one value, or of every one of several."""
        sub = cast("Attribute", attribute.sub(name))
        _check_writable(attribute)
        if not attribute.many:
            part = container.setdefault(attribute.name, {})
            self._act(operation.op, part, sub, operation.value)
            if not part:
                del container[attribute.name]
            return
        if attribute.name not in container and operation.op != "remove":
            reject("noTarget", f"{operation.text}: there is no value")
        self._each(operation, container, attribute, sub, list(container.get(attribute.name, ())))

    def _matching(self, operation: Operation, container: Values, attribute: Attribute, path: Path) -> None:
        """``attribute[filter]`` or ``attribute[filter].sub``."""
        if not attribute.many or path.filter is None:
            reject(
                "invalidPath", f"{operation.text}: {attribute.name} has one value, so there is none to choose"
            )
        sub = attribute.sub(path.sub)
        if path.sub and sub is None:
            reject("invalidPath", f"{operation.text}: there is no such attribute")
        _check_writable(attribute)
        if operation.op == "remove" and self._switches.filter_removal_refused:
            raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "Removal by a filter is not supported")
        test = value_test(attribute, path.filter, self._exact)
        hits = [value for value in container.get(attribute.name, ()) if test(as_value(value))]
        if not hits and operation.op == "add" and self._switches.filter_add_creates:
            hits = [self._made(container, attribute, path)]
        if not hits and operation.op != "remove":
            reject("noTarget", f"{operation.text}: no value matches")
        if sub is not None:
            self._each(operation, container, attribute, sub, hits)
        else:
            self._values(operation, container, attribute, hits)

    def _made(self, container: Values, attribute: Attribute, path: Path) -> Values:
        """A new value that fulfils a filter of one comparison by ``eq``."""
        tree = path.filter
        if not isinstance(tree, Compare) or tree.operator != "eq" or not attribute.subs:
            reject("noTarget", "no value matches")
        sub = attribute.sub(tree.path.name)
        made: Values = {} if sub is None else {sub.name: tree.value}
        container.setdefault(attribute.name, []).append(made)
        return made

    def _each(
        self,
        operation: Operation,
        container: Values,
        attribute: Attribute,
        sub: Attribute,
        hits: list[Values],
    ) -> None:
        """Act upon one part of each of these values."""
        for hit in hits:
            self._act(operation.op, hit, sub, operation.value)
            if sub.name == "primary" and hit.get("primary") is True:
                _only_primary(container[attribute.name], hit)
        _tidy(container, attribute.name)

    def _values(self, operation: Operation, container: Values, attribute: Attribute, hits: list[Any]) -> None:
        """Remove these values, or put others in their places."""
        values: list[Any] = container.get(attribute.name, [])
        given = None if operation.op == "remove" else operation.value
        new = taken(attribute, [given], attribute.name, self._switches)
        for hit in hits if new or operation.op != "add" else ():
            place = next(index for index, value in enumerate(values) if value is hit)
            if new is None:
                del values[place]
                continue
            kept = hit if operation.op == "add" else {}
            values[place] = kept | new[0] if isinstance(hit, dict) else new[0]
            _only_primary(values, values[place])
        check_primary(values, attribute.name)
        _tidy(container, attribute.name)

    def _remove_values(self, container: Values, attribute: Attribute, value: Any) -> None:
        named = taken(
            attribute, value if isinstance(value, list) else [value], attribute.name, self._switches
        )
        gone = [as_value(each).get("value") for each in named or ()]
        values = container.get(attribute.name, [])
        container[attribute.name] = [each for each in values if as_value(each).get("value") not in gone]
        _tidy(container, attribute.name)

    def _act(self, op: Op, container: Values, attribute: Attribute, value: Any) -> None:
        """Add to, replace or remove one attribute of a container."""
        _check_writable(attribute)
        empty = value is None or value == []
        if op == "remove" or (op == "replace" and empty):
            _remove(container, attribute)
        elif empty:
            return  # Nothing is added.
        elif attribute.many:
            self._several(op, container, attribute, value)
        elif attribute.type == "complex":
            self._parts(op, container, attribute, json_object(value, attribute.name))
        else:
            new = taken(attribute, value, attribute.name, self._switches)
            if attribute.mutability == "immutable" and container.get(attribute.name, new) != new:
                reject("mutability", f"{attribute.name} cannot be changed")
            container[attribute.name] = new

    def _parts(self, op: Op, container: Values, attribute: Attribute, fields: Row) -> None:
        """Those parts of a complex value that are named; the others stay."""
        part = container.setdefault(attribute.name, {})
        for name, value in fields.items():
            sub = attribute.sub(name)
            if sub is None:
                unknown(f"{attribute.name}.{name}", self._switches)
            elif sub.mutability != "readOnly":
                self._act(op, part, sub, value)
        if not part:
            del container[attribute.name]

    def _several(self, op: Op, container: Values, attribute: Attribute, value: Any) -> None:
        name = attribute.name
        given = value if isinstance(value, list) else [value]
        new = taken(attribute, given, name, self._switches) or []
        had = container.get(name, []) if op == "add" else []
        container[name] = [*had, *_unlike(new, had)]
        for each in new:
            _only_primary(container[name], each)
        check_primary(container[name], name)
        _tidy(container, name)


def _unlike(new: list[Any], had: list[Any]) -> Iterator[Any]:
    """The new values that are not there yet."""
    known = {repr(_ordered(value)) for value in had}
    return (value for value in new if repr(_ordered(value)) not in known)


def _ordered(value: Any) -> Any:
    return sorted(value.items()) if isinstance(value, dict) else value


def _only_primary(values: list[Any], chosen: Any) -> None:
    """Where one value is made primary, no other one is (RFC 7644 section 3.5.2)."""
    if isinstance(chosen, dict) and chosen.get("primary") is True:
        for value in values:
            if value is not chosen and value != chosen:
                value.pop("primary", None)


def _tidy(container: Values, name: str) -> None:
    """An attribute without values is none."""
    container[name] = [value for value in container.get(name, ()) if value != {}]
    if not container[name]:
        del container[name]


def _remove(container: Values, attribute: Attribute) -> None:
    if attribute.required or (attribute.mutability == "immutable" and attribute.name in container):
        reject("mutability", f"{attribute.name} cannot be removed")
    container.pop(attribute.name, None)


def _check_writable(attribute: Attribute) -> None:
    if attribute.mutability == "readOnly":
        reject("mutability", f"{attribute.name} is read-only")
