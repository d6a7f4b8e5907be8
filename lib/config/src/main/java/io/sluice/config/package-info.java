/**
 * Settings: HOCON files become typed records, and every problem in them is reported at once.
 *
 * <p>Main types: {@link io.sluice.config.Settings} loads a file over {@code conf/reference.conf},
 * {@link io.sluice.config.ConfigReader} reads one section of it into a record. Precedence, in one
 * place: {@code --set key=value}, then the experiment file, then {@code reference.conf}, which is
 * the only place with defaults and the list of all known keys.
 *
 * <p>Depends on Typesafe config and commons-text. The decision worth knowing: keys are checked
 * against the tree of {@code reference.conf}, not against what a job happens to read, so one file
 * can serve a chain of jobs and a misspelt key in any section fails the first of them.
 */
package io.sluice.config;
