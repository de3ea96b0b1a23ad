// The subcommands of `assay base`.
#ifndef APP_CMD_BASE_H
#define APP_CMD_BASE_H

int cmd_base_train(int argc, char **argv);
int cmd_base_list(int argc, char **argv);
int cmd_base_import(int argc, char **argv);
int cmd_base_export(int argc, char **argv);
int cmd_base_extract(int argc, char **argv);

#endif
