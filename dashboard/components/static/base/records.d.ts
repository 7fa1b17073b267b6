// Made by `python -m engine.tools.records` of what engine/runs declares: change it there.

/**
 * One array of a frame; ``offset`` from the end of the header, ``png`` is a finished picture.
 */
export interface ArrayEntry {
  name: string;
  dtype: "float32" | "uint8" | "int16" | "png";
  shape: number[];
  offset: number;
  bytes: number;
}

/**
 * A better checkpoint than all before was kept.
 */
export interface BestEvent {
  row: number;
  step: number;
  time: number;
  type: "best";
  measure: string;
  value: number;
}

/**
 * The best value of the measure that a run keeps its best checkpoint by.
 */
export interface BestRecord {
  measure: string;
  title: string;
  value: number | null;
  step: number;
}

/**
 * A checkpoint was kept.
 */
export interface CheckpointEvent {
  row: number;
  step: number;
  time: number;
  type: "checkpoint";
}

/**
 * One value that a knob may have, and how it is called.
 */
export interface Choice {
  value: JsonValue;
  label: string;
}

/**
 * Where something is written: a file beside or in ``engine/`` with its line, and what stands there.
 */
export interface CodeRecord {
  file: string;
  line: number;
  text: string;
}

/**
 * A command that the worker has applied; with a ``number`` it is replayed after a resume.
 */
export interface CommandEvent {
  row: number;
  step: number;
  time: number;
  type: "command";
  command: CommandRecord;
  number?: number;
}

/**
 * A command as the worker took it.
 */
export interface CommandRecord {
  command: string;
  options?: Record<string, unknown>;
  what?: string;
  steps_per_s?: number | null;
}

/**
 * The data that a run learns. ``shape`` is (2,) or (C, H, W); ``extent`` is x0, x1, y0, y1.
 */
export interface DataRecord {
  title: string;
  kind: string;
  shape: number[];
  classes: string[] | null;
  notes?: string[];
  given?: number[];
  names?: string[];
  extent?: number[];
  modes?: [number, number][];
  sd?: number | null;
}

/**
 * An upload in the list of data sets. ``damaged``: what is wrong with its card, if anything is.
 */
export interface Dataset {
  layout: "images" | "pairs" | "domains";
  images: number;
  classes: string[] | null;
  skipped: Record<string, string>[];
  notes?: string[];
  size: number;
  colour: boolean;
  name: string;
  created: number;
  id: string;
  damaged?: string;
}

/**
 * The diagnoses that hold from now on, the gravest first.
 */
export interface DiagnosisEvent {
  row: number;
  step: number;
  time: number;
  type: "diagnosis";
  active: DiagnosisRecord[];
}

/**
 * What is happening to a run, with evidence; ``since`` is a step.
 */
export interface DiagnosisRecord {
  name: string;
  title: string;
  why: string;
  evidence: string;
  numbers: Record<string, JsonValue>;
  remedy: Remedy | null;
  since?: number;
}

/**
 * Training broke, or a command was refused.
 */
export interface ErrorEvent {
  row: number;
  step: number;
  time: number;
  type: "error";
  error: string;
  remedy: string;
  field?: string | null;
  command?: Record<string, unknown>;
  network?: string;
  at?: number;
}

/**
 * Figures, and their floors: what real data gives, or what else is put beside it.
 */
export interface EvaluationEvent {
  row: number;
  step: number;
  time: number;
  type: "evaluation";
  figures: Record<string, number | null>;
  floors: Record<string, number | null>;
  spreads?: Record<string, number | null>;
  metrics: Record<string, Record<string, unknown>>;
  network: Looked | null;
  n: number | null;
  seed: number;
  seconds: number;
  warnings: string[];
  measures?: MeasureWords[];
}

/**
 * New events.
 */
export interface Events {
  v: number;
  run: string;
  type: "events";
  events: (DiagnosisEvent | CommandEvent | EvaluationEvent | ResumedEvent | CheckpointEvent | BestEvent | StateEvent | ErrorEvent)[];
}

/**
 * A grid of pictures of what is special about a GAN; its PNG is the array ``exhibit_NAME``.
 */
export interface ExhibitRecord {
  name: string;
  title: string;
  sentence: string;
  grid: number[];
  cell: number[];
  marks?: "generated" | "real" | "both" | "";
}

/**
 * A figure of an evaluation in words.
 */
export interface FigureWords {
  name: string;
  title: string;
  sentence: string;
  better: "lower" | "higher" | null;
}

/**
 * The header of a frame: of points, of pictures, of real data (which has no moment), or of one
 * sample that a control draws (``z``, and ``point`` of points).
 */
export interface FrameHeader {
  v: number;
  arrays: ArrayEntry[];
  step?: number;
  time?: number;
  attempt?: number;
  row?: number;
  kind?: "points" | "images";
  grid?: number[];
  cell?: number[];
  exhibits?: ExhibitRecord[];
  title?: string;
  bandwidth?: number;
  arrow_scale?: number;
  mean_gradient?: number;
  sheet?: boolean;
  z?: number[];
  point?: number[];
}

/**
 * ``game.json``: the game of the present stage, as its first iteration was seen to be played. Nodes come
 * in reading order: what something is made of stands before it.
 */
export interface Game {
  stage: string;
  nodes: GameNode[];
  edges: GameEdge[];
  phases: GamePhase[];
}

/**
 * How the game is drawn, once it is known and when it is another one.
 */
export interface GameDrawn {
  v: number;
  run: string;
  type: "game";
  game: Game;
}

/**
 * Something flows from one node to another in these phases.
 */
export interface GameEdge {
  source: string;
  target: string;
  phases: string[];
}

/**
 * What a batch is made of (``latent``, ``code``, ``label``, ``data``, ``weights``), a ``network`` at one
 * place of the game, a ``value`` that it gives, or the ``loss`` of a phase.
 * 
 * ``shape`` is that of one sample. ``network`` is whose box or value it is, ``judges`` says that the value
 * is an answer of D's.
 */
export interface GameNode {
  id: string;
  kind: "latent" | "code" | "label" | "data" | "weights" | "network" | "value" | "loss";
  title: string;
  sentence: string;
  player: "generator" | "discriminator" | "";
  shape: number[];
  network?: string;
  judges?: boolean;
  code?: CodeRecord | null;
}

/**
 * A turn: who moves, how often, and along which loss (the node ``loss``).
 */
export interface GamePhase {
  name: string;
  networks: string[];
  every: number;
  repeat: number;
  loss: string;
  latex: string;
  terms: GameTerm[];
}

/**
 * One summand of a phase's loss: ``weight`` times the mean over the batch of ``formula``, which is made
 * of the nodes ``sources``. ``key`` names it within its phase, ``name`` in metric rows, if it has a name.
 */
export interface GameTerm {
  key: string;
  formula: string;
  name: string;
  sources: string[];
  weight: number;
}

/**
 * A turn of ``phase`` at ``step``, its loss, values and summands by node and key, and ``gradients``, the
 * norms of the loss's gradient by what a node held.
 */
export interface GameTurn {
  step: number;
  phase: string;
  loss: number | null;
  values: Record<string, Seen>;
  terms: Record<string, TermSeen>;
  gradients: Record<string, number | null>;
  moved: Record<string, Moved>;
}

/**
 * How a run's GAN is called.
 */
export interface GanRecord {
  title: string;
  sentence: string;
  judges_samples?: boolean;
  judged?: JudgedRecord;
  at_rest?: string;
  gradients?: string[];
}

/**
 * The run was deleted.
 */
export interface Gone {
  v: number;
  run: string;
  type: "gone";
}

/**
 * The first message of a run. ``snapshots``, ``checkpoints`` and ``weights`` are steps that were kept;
 * from those of weights it can be branched.
 */
export interface Hello {
  v: number;
  run: string;
  type: "hello";
  config: RunConfig;
  status: Status;
  snapshots: number[];
  checkpoints: number[];
  weights: number[];
}

export type JsonValue = unknown;

/**
 * What D tells apart, as charts name it (``engine.game.recipe.Judged``).
 */
export interface JudgedRecord {
  real: string;
  fake: string;
  real_kind: string;
  fake_kind: string;
  tags: [string, string];
  alone: string;
  player: string;
}

/**
 * A declared option as a form needs it (``engine.options.describe``).
 */
export interface KnobRecord {
  name: string;
  label: string;
  help: string;
  type: "choice" | "bool" | "int" | "float" | "text";
  default: JsonValue;
  min: number | null;
  min_excluded: boolean;
  max: number | null;
  step: number | null;
  scale: "linear" | "log";
  live: boolean;
  group: string;
  optional: boolean;
  choices: Choice[];
}

/**
 * The network whose features an evaluation compares.
 */
export interface Looked {
  name: string;
  title: string;
  note: string;
}

/**
 * A measure in words: what its floor is, and its figures.
 */
export interface MeasureWords {
  name: string;
  title: string;
  sentence: string;
  floor: string | null;
  figures: FigureWords[];
}

export type Message = Hello | Rows | Events | StatusChanged | Snapshots | Viewers | GameDrawn | TurnsPlayed | Gone | Trouble;

/**
 * What a page says of a run without asking the engine. Imported weights have no objective.
 */
export interface Meta {
  objective?: ObjectiveRecord;
  data: DataRecord;
  gan: GanRecord;
  live: KnobRecord[];
  sentence: string;
}

/**
 * A model in the list of models. ``source``: "pretrained", "added" or "run".
 */
export interface ModelCard {
  id: string;
  title: string;
  name: string;
  sentence: string;
  gan: string;
  data: string;
  kind: string;
  shape: number[];
  step: number;
  source: "pretrained" | "added" | "run";
  live: boolean;
  licence: string;
  figures: Record<string, unknown>;
  bytes: number;
  gone?: string | null;
  has_encoder?: boolean;
  has_classifier?: boolean;
  has_codes?: boolean;
}

/**
 * ``config.json`` of a model folder: that of the run it was kept of, and what the model is called.
 */
export interface ModelConfig {
  id?: string;
  name: string;
  gan: string;
  data: string;
  steps: number;
  seed: number;
  device: string;
  start_from?: string | null;
  options: Record<string, unknown>;
  split?: "names" | "unseen" | "families";
  kind: string;
  preset: string | null;
  parent: Parent | null;
  versions: Record<string, string>;
  created: number;
  meta: Meta;
  title: string;
  step: number;
  sentence?: string;
  licence?: string;
  figures?: Record<string, unknown>;
}

/**
 * How a network learned: the norms of its gradient, of its step and of its weights.
 */
export interface Moved {
  gradient: number | null;
  step: number | null;
  weights: number | null;
}

/**
 * What the players play for (``engine.objectives.Objective.describe``).
 */
export interface ObjectiveRecord {
  name?: string;
  title: string;
  sentence: string;
  latex_d: string;
  latex_g: string;
  code: string;
  equilibrium: Record<string, number>;
  unit?: string;
  midpoint: number | null;
  range: [number, number] | null;
  score_label: string;
  divergence: string | null;
  family?: string;
  minimax?: ObjectiveRecord | null;
}

/**
 * The run and the step that a run was branched from.
 */
export interface Parent {
  run: string;
  step: number;
}

/**
 * A change of options; ``live`` if it can be applied to the run as it trains.
 */
export interface Remedy {
  sentence: string;
  options: Record<string, unknown>;
  live: boolean;
}

/**
 * A run goes on from its newest checkpoint: what came after it is done again.
 */
export interface ResumedEvent {
  row: number;
  step: number;
  time: number;
  type: "resumed";
  attempt: number;
}

/**
 * One line of ``metrics.jsonl``: losses, gradient norms, rates and figures by name besides what is named
 * here. Null is what NaN and infinities are written as.
 */
export interface Row {
  row: number;
  step: number;
  attempt?: number;
  time?: number;
  histogram?: number[];
  class_histogram?: number[];
}

/**
 * New rows; where ``thinned``, each stands for so many.
 */
export interface Rows {
  v: number;
  run: string;
  type: "rows";
  rows: Row[];
  thinned?: number;
}

/**
 * ``config.json`` of a run: what was asked for, checked and complete.
 */
export interface RunConfig {
  id?: string;
  name: string;
  gan: string;
  data: string;
  steps: number;
  seed: number;
  device: string;
  start_from?: string | null;
  options: Record<string, unknown>;
  split?: "names" | "unseen" | "families";
  kind: string;
  preset: string | null;
  parent: Parent | null;
  versions: Record<string, string>;
  created: number;
  meta: Meta;
}

export type RunEvent = DiagnosisEvent | CommandEvent | EvaluationEvent | ResumedEvent | CheckpointEvent | BestEvent | StateEvent | ErrorEvent;

/**
 * What a node holds of the followed sample: ``numbers`` (the first 16), or a picture, a PNG in base 64.
 * Of D's answers ``numbers`` is the logit and ``score`` what charts show.
 */
export interface Seen {
  numbers: (number | null)[];
  png?: string;
  score?: number | null;
}

/**
 * The steps of the frames, checkpoints and weights that are kept.
 */
export interface Snapshots {
  v: number;
  run: string;
  type: "snapshots";
  steps: number[];
  checkpoints: number[];
  weights: number[];
}

/**
 * The run has ended.
 */
export interface StateEvent {
  row: number;
  step: number;
  time: number;
  type: "state";
  state: "queued" | "starting" | "running" | "paused" | "done" | "stopped" | "failed";
}

/**
 * ``status.json``: where a run is. ``since`` and ``heartbeat`` are wall-clock seconds, ``elapsed``
 * seconds of training, rates a second; commands before byte ``obey_from`` were given to the attempt before.
 * Added for readers: ``queue``, the place in the queue, and ``waits_for``, the names of the runs that hold
 * its place.
 */
export interface Status {
  state: "queued" | "starting" | "running" | "paused" | "done" | "stopped" | "failed";
  step: number;
  steps?: number;
  attempt?: number;
  elapsed?: number;
  rate?: number;
  images_rate?: number;
  equilibrium?: Record<string, number>;
  live?: Record<string, unknown>;
  limit?: number | null;
  pid?: number;
  device?: string;
  best?: BestRecord | null;
  evaluating?: boolean;
  next_evaluation?: number | null;
  error?: string | null;
  remedy?: string | null;
  since?: number;
  heartbeat?: number;
  resume?: boolean;
  obey_from?: number;
  queued?: number;
  queue?: number | null;
  waits_for?: string[];
}

/**
 * The run's status is another one.
 */
export interface StatusChanged {
  v: number;
  run: string;
  type: "status";
  status: Status;
}

/**
 * A summand before its weight: of the whole batch, and of the followed sample where it has a part.
 */
export interface TermSeen {
  batch: number | null;
  sample: number | null;
  weight: number;
}

/**
 * What the socket was sent cannot be used.
 */
export interface Trouble {
  v: number;
  type: "error";
  error: string;
  field: string | null;
  remedy: string;
}

/**
 * ``turns.json``: the newest turn of each phase that was played in the newest followed iteration or
 * single step, in order, and the ``sample`` of the batch that is followed. ``number`` rises.
 */
export interface Turns {
  number: number;
  sample: number;
  turns: GameTurn[];
}

/**
 * The turns that were followed last, for those who follow them.
 */
export interface TurnsPlayed {
  v: number;
  run: string;
  type: "turns";
  turns: Turns;
}

/**
 * How many sockets watch the run.
 */
export interface Viewers {
  v: number;
  run: string;
  type: "viewers";
  viewers: number;
}
