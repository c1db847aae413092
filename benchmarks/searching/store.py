def command_times(scratch): pass
def fresh_process_times(index): pass
