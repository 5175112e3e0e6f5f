// What each template's data may be, as JSON schemas with bounds, so that any model's answer that is held to one can be shown.
type Schema = Record<string, unknown>;

const text = (most: number): Schema => ({ type: 'string', minLength: 1, maxLength: most });
const number = (minimum: number, maximum: number): Schema => ({ type: 'number', minimum, maximum });
const integer = (minimum: number, maximum: number): Schema => ({ type: 'integer', minimum, maximum });
const list = (items: Schema, minItems: number, maxItems: number): Schema => ({ type: 'array', items, minItems, maxItems });
const all = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties, required: Object.keys(properties) });
const some = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties });

const nutrients = { kcal: number(0, 1000), protein: number(0, 100), fibre: number(0, 100), salt: number(0, 100) };
const goals = { kcal: number(100, 2000), protein: number(5, 100), fibre: number(2, 50), salt: number(0.5, 6) };
const muscles = ['trapezius', 'shoulders', 'rear shoulders', 'chest', 'biceps', 'triceps', 'forearms', 'abs', 'obliques', 'lats', 'lower back', 'glutes', 'quads', 'adductors', 'hamstrings', 'calves', 'shins'];
const place = [number(0, 100), number(0, 56)];

export const schemas: Record<string, Schema> = {
  pairs: all({ title: text(40), pairs: list({ type: 'array', prefixItems: [text(24), text(24)], minItems: 2, maxItems: 2 }, 4, 12) }),
  bricks: all({
    title: text(40),
    speed: number(0.5, 2),
    lives: integer(1, 5),
    levels: list(list({ type: 'string', pattern: '^[.1-4]{10}$' }, 3, 8), 1, 4),
  }),
  chart: all({
    title: text(60),
    about: text(120),
    unit: { type: 'string', maxLength: 8 },
    kind: { enum: ['bar', 'line', 'table'] },
    labels: list(text(24), 2, 16),
    series: list(all({ name: text(24), values: list(number(-1e9, 1e9), 2, 16) }), 1, 4),
  }),
  muscles: all({
    title: text(60),
    about: text(120),
    exercises: list(
      all({ name: text(40), sets: integer(1, 6), repeats: text(16), how: text(160), muscles: some(Object.fromEntries(muscles.map((name) => [name, number(0, 1)]))) }),
      1,
      10,
    ),
  }),
  plate: all({
    title: text(60),
    about: text(120),
    goal: all(goals),
    foods: list(
      all({ name: text(30), group: { enum: ['vegetable', 'fruit', 'grain', 'protein', 'dairy', 'fat', 'other'] }, grams: number(1, 600), per100: all(nutrients) }),
      1,
      10,
    ),
  }),
  toy: all({
    title: text(40),
    gravity: number(0, 3),
    bounce: number(0, 1),
    air: number(0, 1),
    scenes: list(
      all({
        name: text(24),
        balls: list({ type: 'array', prefixItems: [...place, number(1, 8), { const: 'pin' }], minItems: 3, maxItems: 4 }, 1, 16),
        springs: list({ type: 'array', prefixItems: [integer(0, 15), integer(0, 15)], minItems: 2, maxItems: 2 }, 0, 24),
      }),
      1,
      3,
    ),
  }),
};
