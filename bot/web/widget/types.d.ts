/** The shapes that pass between the widget's modules, and between it and the server. Read by `tsc`, never by a browser. */

/** What is put into a node; what is false or nothing is left out. */
export type Child = Node | string | null | undefined | false;

/** A node's attributes; true is an empty one, false or nothing is none. */
export type Attributes = Record<string, string | number | boolean | null | undefined>;

export type Language = "zh" | "en";

/** An event of a conversation, as `/v1` gives it. */
export interface TellerEvent {
  seq: number;
  type: string;
  at: string;
  actor: string;
  data: Record<string, any>;
}

/** What opens a conversation. */
export interface Credentials {
  id: string;
  secret: string;
}

/** A message that the server does not have yet; a fleeting one (a code) rests nowhere. */
export interface Unsent {
  messageId: string;
  text: string;
  fleeting?: boolean;
}

/** What the host page shows. */
export interface Page {
  page?: string;
  product?: string;
  card_tail?: string;
}

/** A customer's token, or what gives a fresh one. */
export type Identity = string | (() => string | Promise<string>);

/** What a tab tells the others: that it looks for a conversation, has one, began this one for all, or left that one. */
export interface Told {
  type: "ask" | "here" | "begun" | "left";
  credentials?: Credentials;
  id?: string;
}

/** A place in the queue for a human. */
export interface Place {
  ahead: number;
  wait_minutes: number;
}

/** Whom the conversation is with. */
export type Owner = "bot" | "queued" | "joined";

/** Where a figure of a text is from; the span counts code points. */
export interface Evidence {
  start: number;
  end: number;
  source: string;
  as_of: string;
}

/** A button that says its payload. */
export interface QuickReply {
  title: string;
  payload: string;
}

/** What the card of each kind holds; `responses/cards.py` tells it in full. */
export interface Cards {
  kv: { items?: Item[]; meters?: Meter[] };
  table: { columns: Column[]; rows: (Cell | null)[][]; items?: Item[] };
  bill_breakdown: { items: Item[]; whole?: Item; parts?: Item[] };
  compare: { things: Thing[] };
  product: { things: Thing[]; items?: Item[] };
  holdings: { items: Item[]; things: Thing[] };
  rate_chart: Chart;
  nav_chart: Chart;
  plan: { items?: Item[]; payments: Payment[] };
  confirm: { items: Item[]; expires_at?: string; buttons: QuickReply[] };
  code: { length: number; phone_tail?: string; tries_left?: string };
}

export interface Chart {
  points: Point[];
  name?: string;
  unit?: number;
  currency?: string;
  items?: Item[];
  drawdown?: Drawdown;
  note?: string;
}

export interface Card {
  kind: string;
  data: Record<string, any>;
}

export interface Cell {
  text: string;
  value: string;
}

export interface Item extends Cell {
  name: string;
  label: string;
  kind: string;
}

export interface Thing {
  name: string;
  items: Item[];
}

export interface Column {
  name: string;
  label: string;
  kind: string;
}

export interface Meter {
  part: Item;
  whole: Item;
}

export interface Payment {
  on: string;
  amount: string;
  text: string;
}

/** An ISO date, and a value as decimal text. */
export type Point = [string, string];

export interface Drawdown {
  percent: string;
  from: string;
  to: string;
}

/** What a card, or a message, may say and do. */
export interface Hands {
  words: Words;
  ask(text: string, fleeting?: boolean): void;
  rate(seq: number, score: number): Promise<boolean>;
}

/** What a menu offers. */
export interface Entry {
  label: string;
  act(): void;
}

/** One message of a transcript. */
export interface Said {
  who: string;
  at: string;
  text: string;
}

/** What the widget itself says in one language. */
export interface Words {
  locale: string;
  title(brand: string): string;
  welcome(brand: string): string;
  unread(count: number): string;
  transcript(when: string): string;
  ahead(count: number): string;
  wait(minutes: number): string;
  afterHours(from: string, to: string): string;
  joined(name: string): string;
  expiresIn(left: string): string;
  codeHint(length: number, tail: string): string;
  triesLeft(left: string): string;
  per(unit: number, name: string): string;
  chart(name: string, from: string, to: string, low: string, high: string): string;
  payments(count: number): string;
  suggestions: string[];
  stars: string[];
  sources: Record<string, string>;
  label: string;
  log: string;
  input: string;
  placeholder: string;
  send: string;
  typing: string;
  rep: string;
  you: string;
  sending: string;
  failed: string;
  offline: string;
  ended: string;
  signedIn: string;
  human: string;
  humanAsk: string;
  open: string;
  close: string;
  menu: string;
  elder: string;
  elderOff: string;
  dark: string;
  light: string;
  copy: string;
  copied: string;
  save: string;
  rate: string;
  source: string;
  evidence: string;
  comma: string;
  pause: string;
  table: string;
  day: string;
  value: string;
  helpful: string;
  unhelpful: string;
  thanks: string;
  rating: string;
  comment: string;
  submit: string;
  later: string;
  queued: string;
  leave: string;
  leaveAsk: string;
  left: string;
  expired: string;
  code: string;
  codeSend: string;
  drawdown: string;
  to: string;
  nav: string;
  amount: string;
  notice: string;
}
