#!/usr/bin/env node
import { text } from 'node:stream/consumers';

import { toCsv } from '../src/csv.js';

process.stdout.write(toCsv(JSON.parse(await text(process.stdin))));
