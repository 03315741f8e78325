"""The console command `deadheat`, over the packages that do the work, and the contract tests for packages of others."""
