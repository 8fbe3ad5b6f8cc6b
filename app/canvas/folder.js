/** Files and folders that a user drops or chooses, read no further than needed: a data set's pictures are looked up one by one, never listed. */

/** Patterns for names: of folders that are not looked into, and of files that matter. @typedef {{skipped: string, kept: string, most_files: number}} FolderRules */

/**
 * What lies on the user's side. `list` finds its files by path, without those in skipped folders; `find` one more of them, null where it is not there.
 * @typedef {{name: string, list: (rules: FolderRules) => Promise<Map<string, File>>, find: (path: string) => Promise<File|null>}} Folder
 */

const SEVERAL = "Dropped files";
const TOO_MANY = (/** @type {string} */ name, /** @type {number} */ most) => `“${name}” holds more than ${most.toLocaleString("en")} files: take the folder of one data set or log.`;

/** Of a drop; to be called while the event lasts. @param {DataTransfer} transfer @returns {Folder|null} */
export function droppedFolder(transfer) {
  const found = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.());
  const entries = /** @type {FileSystemEntry[]} */ (found.filter(Boolean)), first = entries[0];
  if (first && entries.length === found.length) return entriesFolder(entries, first);
  return transfer.files[0] ? chosenFolder(transfer.files) : null;
}

/** Of an <input type="file">, of a folder or of files. @param {FileList} files @returns {Folder} */
export function chosenFolder(files) {
  const first = /** @type {File} */ (files[0]), top = first.webkitRelativePath.split("/")[0];
  const all = new Map([...files].map((file) => [file.webkitRelativePath ? file.webkitRelativePath.slice(file.webkitRelativePath.indexOf("/") + 1) : file.name, file]));
  return {
    name: top || (files.length === 1 ? first.name : SEVERAL),
    async list({ skipped, kept: kinds, most_files }) {
      const skip = pattern(skipped), keep = pattern(kinds);
      const kept = new Map([...all].filter(([path]) => keep.test(path) && !path.split("/").slice(0, -1).some((part) => skip.test(part)) && !hidden(path)));
      if (kept.size > most_files) throw new Error(TOO_MANY(this.name, most_files));
      return kept;
    },
    find: async (path) => all.get(path) ?? null,
  };
}

/** One folder is looked into from inside; several things lie beside each other. @param {FileSystemEntry[]} entries @param {FileSystemEntry} first @returns {Folder} */
function entriesFolder(entries, first) {
  const root = entries.length === 1 && isFolder(first) ? first : null;
  return {
    name: entries.length === 1 ? first.name : SEVERAL,
    async list(rules) {
      /** @type {Map<string, File>} */ const files = new Map();
      const skip = pattern(rules.skipped), keep = pattern(rules.kept);
      const walk = async (/** @type {FileSystemEntry} */ entry, /** @type {string} */ path) => {
        if (isFolder(entry)) {
          if (!skip.test(entry.name)) for (const one of await children(entry)) await walk(one, `${path}/${one.name}`);
        } else if (keep.test(entry.name) && !hidden(path)) {
          files.set(path, await fileOf(/** @type {FileSystemFileEntry} */ (entry)));
          if (files.size > rules.most_files) throw new Error(TOO_MANY(this.name, rules.most_files));
        }
      };
      // What the user points at is looked into, whatever its name.
      if (root) for (const one of await children(root)) await walk(one, one.name);
      else for (const one of entries) await walk(one, one.name);
      return files;
    },
    async find(path) {
      const [top, ...rest] = path.split("/"), beside = root ?? entries.find((entry) => entry.name === top);
      if (!beside || !isFolder(beside)) return null;
      return new Promise((settle) => beside.getFile(root ? path : rest.join("/"), {}, (entry) => settle(fileOf(/** @type {FileSystemFileEntry} */ (entry))), () => settle(null)));
    },
  };
}

/** @param {FileSystemEntry} entry @returns {entry is FileSystemDirectoryEntry} */
function isFolder(entry) {
  return entry.isDirectory;
}

/** @param {string} skipped */
function pattern(skipped) {
  return new RegExp(`^(?:${skipped})$`, "i");
}

/** @param {string} path */
function hidden(path) {
  return path.split("/").some((part) => part.startsWith("."));
}

/** @param {FileSystemFileEntry} entry @returns {Promise<File>} */
function fileOf(entry) {
  return new Promise((settle, fail) => entry.file(settle, () => fail(new Error(`“${entry.name}” cannot be read by the browser: drop a copy of it.`))));
}

/** A reader gives a hundred at a time. @param {FileSystemDirectoryEntry} folder @returns {Promise<FileSystemEntry[]>} */
async function children(folder) {
  const reader = folder.createReader(), all = [];
  for (;;) {
    const some = await new Promise((/** @type {(found: FileSystemEntry[]) => void} */ settle, fail) => reader.readEntries(settle, () => fail(new Error(`“${folder.name}” cannot be read by the browser: drop a copy of it.`))));
    if (!some.length) return all;
    all.push(...some);
  }
}
