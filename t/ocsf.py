"""
ocsf: a validator of OCSF events, made of the schema's own files (DIR has
events, objects, profiles, dictionary.json, categories.json): every attribute is
one of its class or of a profile that the event names, of its type and among its
enumerated values; every required one is there; constraints hold; labels are
their ids' captions; uids are what they are computed from.
"""
import glob
import json
import os
import re

NUMBERS = {"integer_t", "long_t", "timestamp_t", "port_t"}


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


class Schema:
    def __init__(self, directory):
        self.directory = directory
        d = load(f"{directory}/dictionary.json")
        self.dictionary = d["attributes"]
        self.types = d["types"]["attributes"]
        self.categories = load(f"{directory}/categories.json")["attributes"]
        self.raw = {"events": {}, "objects": {}}
        for kind, pattern in (("events", "events/**/*.json"),
                              ("objects", "objects/*.json")):
            for path in glob.glob(f"{directory}/{pattern}", recursive=True):
                x = load(path)
                self.raw[kind][x.get("name", os.path.basename(path)[:-5])] = x
        self.made = {}
        self.classes = {}
        for name, x in self.raw["events"].items():
            made = self.resolve("events", name)
            if "uid" in x or name == "base_event":
                category = self.categories.get(made["category"], {"uid": 0})
                self.classes[category["uid"] * 1000 + x.get("uid", 0)] = made

    def resolve(self, kind, name):
        """{attributes, constraints, category} with what it extends."""
        if (kind, name) in self.made:
            return self.made[kind, name]
        x = self.raw[kind][name]
        out = {"attributes": {}, "constraints": {}, "category": None,
               "name": name, "caption": x.get("caption")}
        if x.get("extends") and x["extends"] != name:
            base = self.resolve(kind, x["extends"])
            out["attributes"] = {k: dict(v)
                                 for k, v in base["attributes"].items()}
            out["constraints"] = dict(base["constraints"])
            out["category"] = base["category"]
        out["category"] = x.get("category", out["category"])
        if "constraints" in x:
            out["constraints"] = x["constraints"]
        includes = x["attributes"].get("$include", [])
        for path in [includes] if isinstance(includes, str) else includes:
            p = load(f"{self.directory}/{path}")
            for k, v in p["attributes"].items():
                self.merge(out, k, dict(v, profile=p.get("name")))
        for k, v in x["attributes"].items():
            if k != "$include":
                self.merge(out, k, v)
        self.made[kind, name] = out
        return out

    def merge(self, out, name, more):
        old = out["attributes"].get(name, dict(self.dictionary.get(name, {})))
        enum = {**old.get("enum", {}), **more.get("enum", {})}
        new = {**old, **more}
        if enum:
            new["enum"] = enum
        out["attributes"][name] = new

    def validate(self, event):
        """What is wrong with it; empty: nothing."""
        made = self.classes.get(event.get("class_uid"))
        if made is None:
            return [f"there is no class {event.get('class_uid')}"]
        profiles = event.get("metadata", {}).get("profiles", [])
        wrong = []
        self.check(made, event, profiles, "", wrong)
        category = self.categories.get(made["category"], {"uid": 0})
        for key, want in (
                ("category_uid", category["uid"]),
                ("type_uid", event["class_uid"] * 100 +
                 event.get("activity_id", 0)),
                ("class_name", made["caption"])):
            if event.get(key) != want:
                wrong.append(f"{key} is {event.get(key)}, not {want}")
        return wrong

    def check(self, made, value, profiles, at, wrong):
        known = {}
        for k, v in made["attributes"].items():
            if not v.get("profile") or v["profile"] in profiles:
                known[k] = v
        for k in value:
            if k not in known:
                wrong.append(f"{at}{k} is no attribute of {made['name']} "
                             f"with profiles {profiles}")
            else:
                self.typed(k, known[k], value[k], profiles, at, wrong)
        for k, v in known.items():
            if v.get("requirement") == "required" and k not in value:
                wrong.append(f"{at}{k} is required")
            label = v.get("sibling")
            if k in value and label and k.endswith("_id"):
                self.label(k, v, value, label, at, wrong)
        for rule, names in made["constraints"].items():
            there = sum(n in value for n in names)
            if there == 0 or rule == "just_one" and there != 1:
                wrong.append(f"{at[:-1] or 'event'}: {rule} of {names}")

    def label(self, key, attribute, value, label, at, wrong):
        caption = attribute.get("enum", {}).get(str(value[key]), {}) \
            .get("caption")
        if value[key] == 99 and label not in value:
            wrong.append(f"{at}{label} must say what 99 is")
        if value[key] != 99 and caption and label in value and \
                value[label] != caption:
            wrong.append(f"{at}{label} is {value[label]}, not {caption}")

    def typed(self, key, a, value, profiles, at, wrong):
        if a.get("is_array"):
            if not isinstance(value, list):
                wrong.append(f"{at}{key} is no array")
                return
            for n, v in enumerate(value):
                self.one(f"{key}[{n}]", a, v, profiles, at, wrong)
        else:
            self.one(key, a, value, profiles, at, wrong)

    def one(self, key, a, value, profiles, at, wrong):
        name = a.get("object_type") or a["type"]
        base = self.types.get(name, {}).get("type", name)
        if name in self.raw["objects"] and name != "object":
            if not isinstance(value, dict):
                wrong.append(f"{at}{key} is no object")
                return
            self.check(self.resolve("objects", name), value, profiles,
                       f"{at}{key}.", wrong)
        elif name == "object":
            if not isinstance(value, dict):
                wrong.append(f"{at}{key} is no object")
        elif base in NUMBERS or name in NUMBERS:
            if isinstance(value, bool) or not isinstance(value, int):
                wrong.append(f"{at}{key} is no integer")
        elif base == "boolean_t":
            if not isinstance(value, bool):
                wrong.append(f"{at}{key} is no boolean")
        elif base == "float_t":
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                wrong.append(f"{at}{key} is no number")
        elif base == "string_t":
            if not isinstance(value, str):
                wrong.append(f"{at}{key} is no text")
            elif "regex" in self.types.get(name, {}) and \
                    not re.search(self.types[name]["regex"], value):
                wrong.append(f"{at}{key} is no {name}: {value}")
        elif base != "json_t":
            wrong.append(f"{at}{key}: the type {name} is not known here")
        # the schema's compiler gives these the values of their class
        if key in ("category_uid", "class_uid", "type_uid"):
            return
        if a.get("enum") and str(value) not in a["enum"]:
            wrong.append(f"{at}{key} is {value}, which is not among "
                         f"{sorted(a['enum'])}")
