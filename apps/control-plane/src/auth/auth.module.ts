import { Module, type OnModuleInit } from '@nestjs/common';
import { JoinTokenKind } from '@gantry/api';
import { Resources } from '../api/index.js';
import { issueOnCreate } from './join-tokens.js';

/** Gives each new JoinToken its secret, whoever creates it. */
@Module({})
export class AuthModule implements OnModuleInit {
  constructor(private readonly resources: Resources) {}

  onModuleInit(): void {
    this.resources.onCreate(JoinTokenKind, issueOnCreate);
  }
}
