// What the page knows of the section that is read, and questions about it. Nothing here draws.

export const CATEGORY = -1; // stands for the category where nodes are meant
const SURE = 0.9; // a proposal below is worth a look
const FIELDS = new Set(["input", "select", "textarea"]); // of forms: these have no label

export class Section {
  // told: what the server says of a section; elements: name -> the guide's entry.
  constructor(told, elements) {
    this.elements = elements;
    this.folded = new Map(); // node -> whether a person folded it
    Object.assign(this, told);
    this.depth = [];
    for (const { parent } of this.nodes) this.depth.push(parent < 0 ? 0 : this.depth[parent] + 1);
  }

  // Takes in what changed with a decision.
  update(told) {
    Object.assign(this, told);
  }

  element(node) {
    return this.labels[node];
  }

  isLeaf(node) {
    const element = this.labels[node];
    return element !== undefined && !this.elements.get(element).container;
  }

  // What is inside a leaf is merged into it, so that it is folded until somebody looks.
  isFolded(node) {
    return this.folded.get(node) ?? this.isLeaf(node);
  }

  hasChildren(node) {
    return this.nodes[node].end > node + 1;
  }

  // The nodes that the tree shows, in order.
  visible() {
    const rows = [];
    for (let node = 0; node < this.nodes.length; ) {
      rows.push(node);
      node = this.hasChildren(node) && this.isFolded(node) ? this.nodes[node].end : node + 1;
    }
    return rows;
  }

  // Unfolds whatever hides a node; whether anything did.
  reveal(node) {
    let hidden = false;
    for (let up = this.nodes[node].parent; up >= 0; up = this.nodes[up].parent) {
      if (this.isFolded(up)) {
        this.folded.set(up, false);
        hidden = true;
      }
    }
    return hidden;
  }

  faultsAt(node) {
    return this.faults.filter((fault) => fault.node === node);
  }

  proposal(node) {
    return this.proposals[node];
  }

  isUnsure(node) {
    const told = this.proposals[node];
    const kept = this.labels[node] === this.start.labels[node];
    return Boolean(told) && kept && told.confidence < SURE && !this.seen.includes(node);
  }

  // Whether a node shows something that no leaf takes in, and nobody said that this is right.
  isMissed(node) {
    const { holds, tag } = this.nodes[node];
    if (!holds.length || FIELDS.has(tag) || this.seen.includes(node)) return false;
    for (let up = node; up >= 0; up = this.nodes[up].parent) if (this.isLeaf(up)) return false;
    return true;
  }

  // Nodes that want a look, in order: a rule is broken, readers differ, the rules are not sure, or
  // something has no label.
  open() {
    const nodes = new Set([...this.undecided, ...this.faults.map((fault) => fault.node)]);
    for (let node = 0; node < this.nodes.length; node++) {
      if (this.isUnsure(node) || this.isMissed(node)) nodes.add(node);
    }
    return [...nodes].sort((one, two) => one - two);
  }

  // Readers' names with what each says of a node, where they differ.
  sidesOf(node) {
    const said = Object.entries(this.sides).map(([reader, side]) => [
      reader,
      node === CATEGORY ? side.category : side.labels[node],
    ]);
    return new Set(said.map(([, what]) => what)).size > 1 ? said : [];
  }
}
