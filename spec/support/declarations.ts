// What the sources in lib/ declare, read and not run: interfaces with their members, names of classes, unions of strings.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@babel/parser";

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface Member {
  readonly name: string;
  /** The comment before it, in one line. */
  readonly comment: string;
  /** Names of the types that its own type is made of. */
  readonly types: readonly string[];
}

export interface Declarations {
  readonly interfaces: ReadonlyMap<string, readonly Member[]>;
  /** Type aliases, with the names of types in them. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
  /** Type aliases that are unions of strings. */
  readonly unions: ReadonlyMap<string, readonly string[]>;
  /** Exported classes, with the names of what they have for all to see. */
  readonly classes: ReadonlyMap<string, readonly string[]>;
  /** The comment before each declaration, in one line; and before each member, by `Owner.member`. */
  readonly comments: ReadonlyMap<string, string>;
}

/** Reads all files of lib/ below a folder, or one file. */
export function declarationsIn(folder: string): Declarations {
  const interfaces = new Map<string, readonly Member[]>();
  const aliases = new Map<string, readonly string[]>();
  const unions = new Map<string, readonly string[]>();
  const classes = new Map<string, readonly string[]>();
  const comments = new Map<string, string>();
  for (const file of filesIn(folder)) {
    const { program } = parse(readFileSync(file, "utf8"), { sourceType: "module", plugins: ["typescript"] });
    for (const statement of nodes(program.body)) {
      const isExport = statement.type === "ExportNamedDeclaration" && isNode(statement.declaration);
      const declared = isExport ? (statement.declaration as Node) : statement;
      const name = nameOf(declared);
      comments.set(name, comments.get(name) || commentOf(statement)); // a class and a type may share a name
      for (const member of nodes(isNode(declared.body) ? declared.body.body : undefined)) {
        // Of a getter and its setter, the first has it.
        const key = `${name}.${isNode(member.key) ? String(member.key.name) : ""}`;
        comments.set(key, comments.get(key) || commentOf(member));
      }
      if (declared.type === "TSInterfaceDeclaration") {
        interfaces.set(name, nodes((declared.body as Node).body).flatMap(memberOf));
      } else if (declared.type === "TSTypeAliasDeclaration") {
        aliases.set(name, typeNames(declared.typeAnnotation));
        const strings = stringsOf(declared.typeAnnotation);
        if (strings !== undefined) unions.set(name, strings);
      } else if (declared.type === "ClassDeclaration" && isExport) {
        classes.set(name, nodes((declared.body as Node).body).flatMap(publicName));
      }
    }
  }
  return { interfaces, aliases, unions, classes, comments };
}

/** Interfaces that can be reached from these through the types of members, with these. */
export function reachable(from: readonly string[], { interfaces, aliases }: Declarations): Set<string> {
  const seen = new Set<string>();
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    if (interfaces.has(name)) found.add(name);
    for (const { types } of interfaces.get(name) ?? []) types.forEach(visit);
    aliases.get(name)?.forEach(visit);
  };
  from.forEach(visit);
  return found;
}

function filesIn(path: string): string[] {
  if (path.endsWith(".ts")) return [path];
  const files = readdirSync(path, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".ts")).map((file) => join(path, file));
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

function nodes(value: unknown): Node[] {
  return (Array.isArray(value) ? value : [value]).filter(isNode);
}

function memberOf(node: Node): Member[] {
  if (!isNode(node.key)) return [];
  return [{ name: String(node.key.name), comment: commentOf(node), types: typeNames(node) }];
}

/** The name of a type, a class, a function, or of a constant's first. */
function nameOf({ id, declarations }: Node): string {
  const [first] = nodes(declarations);
  const named = isNode(id) ? id : first?.id;
  return isNode(named) ? String(named.name) : "";
}

function commentOf(node: Node): string {
  const comments = nodes(node.leadingComments).filter(({ type }) => type === "CommentBlock");
  const comment = String(comments.at(-1)?.value ?? "");
  return comment.replace(/\s*\n?\s*\*\s?/g, " ").trim();
}

function publicName(node: Node): string[] {
  const isPublic =
    isNode(node.key) &&
    node.key.type === "Identifier" &&
    node.static !== true &&
    node.accessibility === undefined;
  return isPublic ? [String((node.key as Node).name)] : [];
}

function typeNames(value: unknown): string[] {
  return nodes(value).flatMap((node) => {
    const own = node.type === "TSTypeReference" && isNode(node.typeName) ? [String(node.typeName.name)] : [];
    const children = Object.entries(node).filter(([key]) => !/Comments$/.test(key));
    return [...own, ...children.flatMap(([, child]) => typeNames(child))];
  });
}

function stringsOf(value: unknown): string[] | undefined {
  const parts = isNode(value) && value.type === "TSUnionType" ? nodes(value.types) : [];
  const strings = parts.map((part) => (isNode(part.literal) ? part.literal.value : undefined));
  if (strings.length === 0 || strings.some((text) => typeof text !== "string")) return undefined;
  return strings as string[];
}
