import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['**/vendor/', '**/*.d.ts'] },
  js.configs.recommended,
  {
    files: ['dashboard/components/static/**/*.js'],
    languageOptions: { globals: globals.browser },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'no-unused-vars': ['error', { ignoreRestSiblings: true, varsIgnorePattern: '^_$' }],
      'one-var': ['error', 'never'],
      'prefer-arrow-callback': 'error',
      'prefer-const': 'error',
      'prefer-template': 'error',
      'max-lines': ['error', 400],
      'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML'].map((property) => ({
          property,
          message: 'What users typed must stay text: el() and setText() of base/dom.js.',
        })),
      ],
    },
  },
];
