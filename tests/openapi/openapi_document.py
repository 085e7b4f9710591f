"""Our OpenAPI documents: what they allow, and whether they are good OpenAPI 3.0.3 themselves, of which
generators make clients that have everything."""
import collections
import copy
import re

import jsonschema
import yaml

METHODS = {"get", "put", "post", "delete", "patch", "options", "head", "trace"}
# OpenAPI 3.0.3, 4.7.24: the keywords of a Schema Object.
SCHEMA_WORDS = {
    "title", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength",
    "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties",
    "required", "enum", "type", "allOf", "oneOf", "anyOf", "not", "items", "properties",
    "additionalProperties", "description", "format", "default", "nullable", "discriminator",
    "readOnly", "writeOnly", "xml", "externalDocs", "example", "deprecated"}
WORDS = {
    "parameter": {"name", "in", "description", "required", "deprecated", "allowEmptyValue", "style",
                  "explode", "allowReserved", "schema", "example", "examples", "content"},
    "header": {"description", "required", "deprecated", "style", "explode", "schema", "example",
               "examples", "content"},
    "response": {"description", "headers", "content", "links"},
    "body": {"description", "content", "required"},
    "media": {"schema", "example", "examples", "encoding"},
    "operation": {"tags", "summary", "description", "externalDocs", "operationId", "parameters",
                  "requestBody", "responses", "callbacks", "deprecated", "security", "servers"}}


def in_code(name):
    """What two names have in common that generators take for one."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def doubles(names):
    count = collections.Counter(map(in_code, names))
    return sorted(str(name) for name in names if count[in_code(name)] > 1)


class Document:
    def __init__(self, path):
        self.tree = yaml.safe_load(path.read_text(encoding="utf-8"))

    def operations(self):
        """(method, path) of all."""
        return {(method.upper(), path) for path, item in self.tree["paths"].items() for method in METHODS & item.keys()}

    def resolve(self, node):
        while "$ref" in node:
            found = self.tree
            for part in node["$ref"].lstrip("#/").split("/"):
                found = found[part if part in found else int(part)]  # YAML's 400 is a number
            node = found
        return node

    def body_schema(self, path, method):
        content = self.tree["paths"][path][method]["requestBody"]["content"]
        return content["application/json"]["schema"]

    def allows(self, schema, body):
        whole = dict(schema, components=self.tree["components"])
        return jsonschema.Draft202012Validator(whole).is_valid(body)

    # -- what is wrong with the document itself

    def faults(self):
        yield from self._references("", self.tree)
        yield from self._for_generators()
        names = []
        for route, item in self.tree["paths"].items():
            for method in METHODS & item.keys():
                where = f"{method.upper()} {route}"
                names.append(item[method].get("operationId"))
                yield from self._operation(where, route, item.get("parameters", []), item[method])
        for name in doubles(names):
            yield f"operationId {name} is there more than once"
        for kind, check in (("schemas", self._schema), ("parameters", self._parameter),
                            ("headers", self._header), ("responses", self._response)):
            for name, node in self.tree["components"].get(kind, {}).items():
                yield from check(f"{kind}/{name}", node)

    def _for_generators(self):
        """What is valid, but makes clients that do not compile or lack something."""
        schemas = self.tree["components"].get("schemas", {})
        for name in doubles(list(schemas)):
            yield f"schemas/{name}: another has the same name in code"
        named_by = {}
        for name, schema in schemas.items():
            for value in schema.get("enum", []):
                if named_by.setdefault(value, name) != name:
                    yield f"schemas/{name}: its '{value}' is in {named_by[value]}, too, which Go cannot compile"

    def _typed(self, where, node):
        if not {"type", "$ref", "allOf", "oneOf"} & node.get("schema", {}).keys():
            yield f"{where}: has no type"

    def _members(self, schema):
        schema = self.resolve(schema)
        return set(schema.get("properties", {})).union(*map(self._members, schema.get("allOf", [])))

    def _composed(self, where, schema):
        parts = [self._members(each) for each in schema.get("allOf", [])] + [set(schema.get("properties", {}))]
        for name, times in collections.Counter(name for part in parts for name in part).items():
            if times > 1:
                yield f"{where}: allOf has '{name}' more than once, of which generators keep one"
        for word in ("oneOf", "anyOf"):
            for each in schema.get(word, []):
                if not {"type", "$ref"} & each.keys():
                    yield f"{where}: a part of {word} has no type; say what is forbidden by 'not'"

    def _references(self, where, node):
        if node is None:
            yield f"{where}: has no value; a comma in a text without quotes?"
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                try:
                    self.resolve(node)
                except (KeyError, ValueError, TypeError):
                    yield f"{where}: {node['$ref']} leads nowhere"
            for name, each in node.items():
                yield from self._references(f"{where}/{name}", each)
        elif isinstance(node, list):
            for index, each in enumerate(node):
                yield from self._references(f"{where}/{index}", each)

    @staticmethod
    def _words(where, node, kind):
        for name in node.keys() - WORDS[kind]:
            if not str(name).startswith("x-"):
                yield f"{where}: a {kind} has no '{name}'"

    def _operation(self, where, route, shared, operation):
        yield from self._words(where, operation, "operation")
        for name in ("operationId", "tags"):
            if not operation.get(name):
                yield f"{where}: has no {name}"
        parameters = [self.resolve(each) for each in shared + operation.get("parameters", [])]
        in_path = {each["name"] for each in parameters if each["in"] == "path"}
        if in_path != set(re.findall(r"\{([^}]*)\}", route)):
            yield f"{where}: the parameters of the path are not those declared"
        for each in parameters:
            yield from self._parameter(f"{where} {each['name']}", each)
        if "requestBody" in operation:
            body = self.resolve(operation["requestBody"])
            yield from self._words(where, body, "body")
            yield from self._content(where, body["content"])
        for status, response in operation["responses"].items():
            if not re.fullmatch(r"[1-5][0-9][0-9]|default", str(status)):
                yield f"{where}: '{status}' is no status"
            yield from self._response(f"{where} {status}", response)

    def _parameter(self, where, node):
        node = self.resolve(node)
        yield from self._words(where, node, "parameter")
        if node["in"] == "path" and not node.get("required"):
            yield f"{where}: a parameter of the path is required"
        yield from self._schema(where, node.get("schema", {}))

    def _header(self, where, node):
        node = self.resolve(node)
        yield from self._words(where, node, "header")
        yield from self._schema(where, node.get("schema", {}))

    def _response(self, where, node):
        node = self.resolve(node)
        yield from self._words(where, node, "response")
        if not node.get("description"):
            yield f"{where}: a response needs a description"
        for name, header in node.get("headers", {}).items():
            yield from self._header(f"{where} {name}", header)
        yield from self._content(where, node.get("content", {}))

    def _content(self, where, content):
        for media, node in content.items():
            yield from self._words(f"{where} {media}", node, "media")
            yield from self._typed(f"{where} {media}", node)
            schema = node.get("schema", {})
            yield from self._schema(where, schema)
            examples = [each["value"] for each in node.get("examples", {}).values()]
            for example in examples + ([node["example"]] if "example" in node else []):
                if not self.allows(schema, example):
                    yield f"{where}: an example breaks its own schema"

    def _schema(self, where, schema):
        if "$ref" in schema:
            return
        yield from self._composed(where, schema)
        for name in doubles(list(schema.get("properties", {}))):
            yield f"{where}/{name}: another has the same name in code"
        for name in schema.keys() - SCHEMA_WORDS:
            if not str(name).startswith("x-"):
                yield f"{where}: a schema has no '{name}'"
        plain = copy.deepcopy(schema)
        plain.pop("discriminator", None)
        try:
            jsonschema.Draft4Validator.check_schema(plain)
            re.compile(schema.get("pattern", ""))
        except (jsonschema.SchemaError, re.error) as error:
            yield f"{where}: {str(error).splitlines()[0]}"
        for name, each in schema.get("properties", {}).items():
            yield from self._schema(f"{where}/{name}", each)
        for word in ("items", "additionalProperties"):  # of 'not', generators do not care
            if isinstance(schema.get(word), dict):
                yield from self._schema(f"{where}/{word}", schema[word])
        for word in ("allOf", "oneOf", "anyOf"):
            for index, each in enumerate(schema.get(word, [])):
                yield from self._schema(f"{where}/{word}/{index}", each)
